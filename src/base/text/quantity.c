#include "base/text/quantity.h"
#include <stdio.h>

enum { DECIMAL_DIGITS_MAXIMUM = 15 };

struct unit {
    const char *name;
    uint64_t us;
};

/* The longest first, as texts are made of the longest that fits. */
static const struct unit units[] = {
    {"h", 3600000000}, {"m", 60000000}, {"s", 1000000}, {"ms", 1000}, {"us", 1}};
static const double LONGEST_US = 366.0 * 24 * 3600 * 1e6;

static bool is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

/* Digits with at most one point between them; returns how many bytes, 0 where there is no number.
 */
static size_t decimal_parse(struct bytes text, double *value) {
    double whole = 0, scale = 1;
    size_t at = 0, digits = 0;
    bool has_point = false;
    for (; at < text.length && digits <= DECIMAL_DIGITS_MAXIMUM; at++) {
        if (text.data[at] == '.' && !has_point && digits > 0) {
            has_point = true;
            continue;
        }
        if (!is_digit(text.data[at]))
            break;
        digits++;
        whole = whole * 10 + (text.data[at] - '0');
        scale *= has_point ? 10 : 1;
    }
    bool is_number = digits > 0 && digits <= DECIMAL_DIGITS_MAXIMUM && text.data[at - 1] != '.';
    *value = whole / scale;
    return is_number ? at : 0;
}

int quantity_parse_duration(struct bytes text, uint64_t *us) {
    double value;
    size_t length = decimal_parse(text, &value);
    if (length == 0)
        return ERR_INVALID;
    struct bytes unit = bytes_of(text.data + length, text.length - length);
    if (unit.length == 0 && value == 0) {
        *us = 0;
        return 0;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (!bytes_equal(unit, bytes_of_text(units[i].name)))
            continue;
        double exact_us = value * (double)units[i].us;
        if (exact_us > LONGEST_US)
            return ERR_INVALID;
        *us = (uint64_t)(exact_us + 0.5);
        return 0;
    }
    return ERR_INVALID;
}

const char *quantity_format_duration(uint64_t us, char out[QUANTITY_TEXT_BYTES]) {
    const struct unit *unit = units;
    while (us % unit->us != 0)
        unit++;
    if (us == 0)
        unit = &units[2];
    snprintf(out, QUANTITY_TEXT_BYTES, "%llu%s", (unsigned long long)(us / unit->us), unit->name);
    return out;
}

int quantity_parse_bytes(struct bytes text, uint64_t *bytes) {
    static const struct {
        const char *name;
        double bytes;
    } sizes[] = {{"", 1}, {"b", 1}, {"kb", 0x1p10}, {"mb", 0x1p20}, {"gb", 0x1p30}};
    double value;
    size_t length = decimal_parse(text, &value);
    if (length == 0)
        return ERR_INVALID;
    struct bytes unit = bytes_of(text.data + length, text.length - length);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (!bytes_equal(unit, bytes_of_text(sizes[i].name)))
            continue;
        double exact = value * sizes[i].bytes;
        if (exact > 0x1p50)
            return ERR_INVALID;
        *bytes = (uint64_t)exact;
        return 0;
    }
    return ERR_INVALID;
}

int quantity_parse_share(struct bytes text, double *share) {
    double value;
    size_t length = decimal_parse(text, &value);
    if (length == 0 || length + 1 != text.length || text.data[length] != '%' || value > 100)
        return ERR_INVALID;
    *share = value / 100;
    return 0;
}
