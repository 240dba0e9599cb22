#include "base/text/number.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

bool number_parse_i64(struct bytes text, int64_t *value) {
    if (text.length == 0 || text.length > 20)
        return false;
    if (text.length == 1 && text.data[0] == '0') {
        *value = 0;
        return true;
    }
    bool is_negative = text.data[0] == '-';
    size_t at = is_negative;
    if (at == text.length || text.data[at] < '1' || text.data[at] > '9')
        return false;
    uint64_t limit = (uint64_t)INT64_MAX + is_negative, magnitude = 0;
    for (; at < text.length; at++) {
        unsigned digit = (unsigned)text.data[at] - '0';
        if (digit > 9 || magnitude > (limit - digit) / 10)
            return false;
        magnitude = magnitude * 10 + digit;
    }
    *value = (int64_t)(is_negative ? -magnitude : magnitude);
    return true;
}

size_t number_format_i64(char out[NUMBER_I64_TEXT_BYTES], int64_t value) {
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233"
        "34353637383940414243444546474849505152535455565758596061626364656667"
        "6869707172737475767778798081828384858687888990919293949596979899";
    char reversed[NUMBER_I64_TEXT_BYTES];
    size_t at = sizeof reversed;
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
    for (; left >= 100; left /= 100)
        memcpy(reversed + (at -= 2), pairs + 2 * (left % 100), 2);
    if (left >= 10)
        memcpy(reversed + (at -= 2), pairs + 2 * left, 2);
    else
        reversed[--at] = (char)('0' + left);
    if (value < 0)
        reversed[--at] = '-';
    memcpy(out, reversed + at, sizeof reversed - at);
    return sizeof reversed - at;
}

/* strtod wants a NUL behind the text, and skips white space in front of it. */
static bool number_terminate(struct bytes text, char out[NUMBER_DOUBLE_TEXT_BYTES]) {
    if (text.length == 0 || text.length >= NUMBER_DOUBLE_TEXT_BYTES || isspace(text.data[0]))
        return false;
    memcpy(out, text.data, text.length);
    out[text.length] = '\0';
    return true;
}

bool number_parse_double(struct bytes text, double *value) {
    char terminated[NUMBER_DOUBLE_TEXT_BYTES];
    if (!number_terminate(text, terminated))
        return false;
    char *end;
    errno = 0;
    double parsed = strtod(terminated, &end);
    bool is_out_of_range = errno == ERANGE && (isinf(parsed) || parsed == 0);
    if ((size_t)(end - terminated) != text.length || is_out_of_range || isnan(parsed))
        return false;
    *value = parsed;
    return true;
}
