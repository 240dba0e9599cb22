#include "base/extended.h"
#include "base/check.h"
#include <ctype.h>
#include <string.h>

enum {
    MANTISSA_BITS = 64,
    EXPONENT_LEAST = -16445, /* of the lowest bit that a value can have */
    EXPONENT_MOST = 16320,   /* of a mantissa of 64 bits */
    QUOTIENT_BITS = 66,      /* at least: a mantissa, the bit that rounds, one to spare */
    LARGE_LIMBS = 1100,      /* of 32 bits: 5119 hex digits, or 5^10100 and a quotient above it */
    DECIMALS = 17,
    /* Beyond it any text is 0 or infinite, however many digits it has. */
    POWER_MAXIMUM = 16 * EXTENDED_TEXT_BYTES
};

typedef unsigned __int128 wide;

static const uint64_t ten_to_decimals = 100000000000000000; /* 10^17 */

/* ---- large integers: limbs from the lowest on, the highest is not 0 ---- */

struct large {
    size_t count;
    uint32_t limbs[LARGE_LIMBS];
};

static void large_push(struct large *large, uint64_t limb) {
    CHECK(large->count < LARGE_LIMBS);
    large->limbs[large->count++] = (uint32_t)limb;
}

static void large_multiply_add(struct large *large, uint32_t factor, uint32_t addend) {
    uint64_t carry = addend;
    for (size_t i = 0; i < large->count; i++) {
        carry += (uint64_t)large->limbs[i] * factor;
        large->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry)
        large_push(large, carry);
}

static void large_multiply_by_five(struct large *large, int64_t times) {
    enum { FIVES_AT_ONCE = 13, FIVES = 1220703125 };
    for (; times >= FIVES_AT_ONCE; times -= FIVES_AT_ONCE)
        large_multiply_add(large, FIVES, 0);
    for (; times > 0; times--)
        large_multiply_add(large, 5, 0);
}

static void large_of(struct large *large, uint64_t value) {
    large->count = 0;
    for (; value; value >>= 32)
        large_push(large, value);
}

static int64_t large_bits(const struct large *large) {
    if (large->count == 0)
        return 0;
    return (int64_t)(32 * large->count) - __builtin_clz(large->limbs[large->count - 1]);
}

static void large_shift_up(struct large *large, size_t bits) {
    size_t limbs = bits / 32, count = large->count;
    for (size_t i = 0; i < limbs; i++)
        large_push(large, 0);
    memmove(large->limbs + limbs, large->limbs, count * sizeof large->limbs[0]);
    memset(large->limbs, 0, limbs * sizeof large->limbs[0]);
    if (bits % 32)
        large_multiply_add(large, (uint32_t)1 << bits % 32, 0);
}

static void large_trim(struct large *large) {
    while (large->count > 0 && large->limbs[large->count - 1] == 0)
        large->count--;
}

static void large_halve(struct large *large) {
    for (size_t i = 0; i < large->count; i++) {
        uint64_t above = i + 1 < large->count ? large->limbs[i + 1] : 0;
        large->limbs[i] = (uint32_t)((above << 32 | large->limbs[i]) >> 1);
    }
    large_trim(large);
}

static bool large_is_below(const struct large *one, const struct large *other) {
    if (one->count != other->count)
        return one->count < other->count;
    for (size_t i = one->count; i-- > 0;)
        if (one->limbs[i] != other->limbs[i])
            return one->limbs[i] < other->limbs[i];
    return false;
}

/* Of no more than it is. */
static void large_subtract(struct large *from, const struct large *what) {
    int64_t borrow = 0;
    for (size_t i = 0; i < from->count; i++) {
        borrow += (int64_t)from->limbs[i] - (i < what->count ? what->limbs[i] : 0);
        from->limbs[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    large_trim(from);
}

static uint32_t large_divide(struct large *large, uint32_t divisor) {
    uint64_t rest = 0;
    for (size_t i = large->count; i-- > 0;) {
        rest = rest << 32 | large->limbs[i];
        large->limbs[i] = (uint32_t)(rest / divisor);
        rest %= divisor;
    }
    large_trim(large);
    return (uint32_t)rest;
}

/* ---- rounding ---- */

static int wide_bits(wide value) {
    uint64_t above = (uint64_t)(value >> 64), below = (uint64_t)value;
    return above ? 128 - __builtin_clzll(above) : below ? 64 - __builtin_clzll(below) : 0;
}

/* What goes is half of what stays or more, and if it is half, what stays is odd. */
static bool rounds_up(wide value, int64_t dropped_bits, bool has_more) {
    if (dropped_bits <= 0)
        return false;
    wide half = (wide)1 << (dropped_bits - 1), dropped = value & ((half << 1) - 1);
    bool is_odd = value >> dropped_bits & 1;
    return dropped > half || (dropped == half && (has_more || is_odd));
}

/* value * 2^exponent; `has_more`: and a little more, less than the lowest bit. */
static struct extended rounded(wide value, int64_t exponent, bool has_more, bool is_negative) {
    struct extended result = {.is_negative = is_negative};
    int64_t dropped = wide_bits(value) - MANTISSA_BITS;
    if (dropped < 0)
        dropped = 0;
    if (exponent + dropped < EXPONENT_LEAST)
        dropped = EXPONENT_LEAST - exponent;
    if (dropped > wide_bits(value))
        return result;
    wide mantissa = dropped == 128 ? 0 : value >> dropped;
    mantissa += rounds_up(value, dropped, has_more);
    if (mantissa >> MANTISSA_BITS) {
        mantissa >>= 1;
        dropped++;
    }
    if (mantissa == 0)
        return result;
    int shift = __builtin_clzll((uint64_t)mantissa);
    result.mantissa = (uint64_t)mantissa << shift;
    result.exponent = (int)(exponent + dropped) - shift;
    result.is_infinite = result.exponent > EXPONENT_MOST;
    return result;
}

/* numerator / divisor * 2^exponent. Both are used up. */
static struct extended quotient(struct large *numerator, struct large *divisor, int64_t exponent,
                                bool is_negative) {
    int64_t shift = QUOTIENT_BITS - (large_bits(numerator) - large_bits(divisor));
    wide result = 0;
    large_shift_up(shift > 0 ? numerator : divisor, (size_t)(shift > 0 ? shift : -shift));
    large_shift_up(divisor, QUOTIENT_BITS + 1);
    for (int i = 0; i <= QUOTIENT_BITS + 1; i++) {
        result <<= 1;
        if (!large_is_below(numerator, divisor)) {
            large_subtract(numerator, divisor);
            result |= 1;
        }
        large_halve(divisor);
    }
    return rounded(result, exponent - shift, numerator->count > 0, is_negative);
}

/* ---- reading ---- */

/* A number as it is written: digits to a base, so many of them behind the point, a power. */
struct written {
    struct large digits;
    unsigned base;
    int64_t behind_point, power; /* of 10, or of 2 where the base is 16 */
    bool is_negative;
};

static bool take_letter(struct bytes *text, char letter) {
    if (text->length == 0 || tolower(text->data[0]) != letter)
        return false;
    *text = bytes_of(text->data + 1, text->length - 1);
    return true;
}

static bool take_word(struct bytes *text, const char *word) {
    struct bytes rest = *text;
    while (*word)
        if (!take_letter(&rest, *word++))
            return false;
    *text = rest;
    return true;
}

static unsigned digit_of(uint8_t letter) {
    if (letter >= '0' && letter <= '9')
        return letter - (unsigned)'0';
    unsigned small = letter | 0x20u;
    return small >= 'a' && small <= 'f' ? small - 'a' + 10u : 99;
}

/* Some digits of a large integer, which it is multiplied for once. */
struct piece {
    uint32_t value, weight;
};

static void end_piece(struct large *large, struct piece *piece) {
    large_multiply_add(large, piece->weight, piece->value);
    *piece = (struct piece){.weight = 1};
}

/* False: there is none. */
static bool take_digits(struct bytes *text, struct written *written) {
    enum { WEIGHT_MAXIMUM = 1 << 28 };
    bool has_point = false, has_digit = false;
    struct piece piece = {.weight = 1};
    for (; text->length; *text = bytes_of(text->data + 1, text->length - 1)) {
        unsigned digit = digit_of(text->data[0]);
        bool is_point = text->data[0] == '.' && !has_point;
        if (digit >= written->base && !is_point)
            break;
        has_point |= is_point;
        if (is_point)
            continue;
        has_digit = true;
        written->behind_point += has_point;
        piece = (struct piece){piece.value * written->base + digit, piece.weight * written->base};
        if (piece.weight >= WEIGHT_MAXIMUM)
            end_piece(&written->digits, &piece);
    }
    end_piece(&written->digits, &piece);
    return has_digit;
}

/* Up to POWER_MAXIMUM, beyond which all are alike. False: there is none. */
static bool take_power(struct bytes *text, int64_t *power) {
    bool is_negative = take_letter(text, '-');
    if (!is_negative)
        take_letter(text, '+');
    *power = 0;
    bool has_digit = false;
    for (; text->length && isdigit(text->data[0]); has_digit = true) {
        *power = *power * 10 + (text->data[0] - '0');
        *power = *power < POWER_MAXIMUM ? *power : POWER_MAXIMUM;
        *text = bytes_of(text->data + 1, text->length - 1);
    }
    *power = is_negative ? -*power : *power;
    return has_digit;
}

/* All of the text, behind its sign. */
static bool read_written(struct bytes text, struct written *written) {
    written->base = 10;
    if (take_word(&text, "0x"))
        written->base = 16;
    if (!take_digits(&text, written))
        return false;
    if (take_letter(&text, written->base == 16 ? 'p' : 'e') && !take_power(&text, &written->power))
        return false;
    return text.length == 0;
}

static struct extended value_of(struct written *written) {
    struct large divisor;
    large_of(&divisor, 1);
    if (written->base == 16) {
        return quotient(&written->digits, &divisor, written->power - 4 * written->behind_point,
                        written->is_negative);
    }
    int64_t power = written->power - written->behind_point;
    large_multiply_by_five(power < 0 ? &divisor : &written->digits, power < 0 ? -power : power);
    return quotient(&written->digits, &divisor, power, written->is_negative);
}

/* So far from 1 that the digits' weight decides, without a large integer: 0 or infinite. */
static bool is_far_out(const struct written *written) {
    enum { DECIMAL_BITS_4 = 13, FAR_BITS = 17000 }; /* log2(10) is a little more than 13 / 4 */
    int64_t power = written->power - written->behind_point;
    if (written->base == 16)
        return false;
    int64_t bits = large_bits(&written->digits) + power * DECIMAL_BITS_4 / 4;
    return power < 0 ? bits < -FAR_BITS : bits > FAR_BITS;
}

bool extended_parse(struct bytes text, struct extended *value) {
    struct written written = {.base = 10};
    if (text.length == 0 || text.length >= EXTENDED_TEXT_BYTES)
        return false;
    written.is_negative = take_letter(&text, '-');
    if (!written.is_negative)
        take_letter(&text, '+');
    *value = (struct extended){.is_negative = written.is_negative};
    if (take_word(&text, "inf")) {
        value->is_infinite = true;
        (void)take_word(&text, "inity");
        return text.length == 0;
    }
    if (!read_written(text, &written))
        return false;
    if (written.digits.count == 0)
        return true;
    if (is_far_out(&written))
        return false;
    *value = value_of(&written);
    return value->mantissa != 0 && !value->is_infinite;
}

/* ---- adding ---- */

static bool is_smaller(struct extended a, struct extended b) {
    if (a.mantissa == 0 || b.mantissa == 0)
        return b.mantissa != 0 && a.mantissa == 0;
    return a.exponent != b.exponent ? a.exponent < b.exponent : a.mantissa < b.mantissa;
}

bool extended_add(struct extended a, struct extended b, struct extended *sum) {
    if (a.is_infinite || b.is_infinite) {
        *sum = a.is_infinite ? a : b;
        return !(a.is_infinite && b.is_infinite && a.is_negative != b.is_negative);
    }
    struct extended large = is_smaller(a, b) ? b : a, small = is_smaller(a, b) ? a : b;
    *sum = large;
    if (small.mantissa == 0)
        return true;
    int shift = large.exponent - small.exponent;
    wide above = (wide)large.mantissa << 63, below = (wide)small.mantissa << 63;
    bool has_more = shift >= 128 || (below & (((wide)1 << shift) - 1)) != 0;
    below = shift >= 128 ? 0 : below >> shift;
    wide result = large.is_negative == small.is_negative ? above + below : above - below - has_more;
    *sum = rounded(result, (int64_t)large.exponent - 63, has_more, large.is_negative);
    return true;
}

/* ---- writing ---- */

/* Returns how many digits of what has no decimals. */
static size_t write_integer(char *out, struct extended value) {
    enum { DIGITS_AT_ONCE = 9, TEN_TO_THEM = 1000000000 };
    struct large large;
    char reversed[EXTENDED_TEXT_BYTES];
    size_t count = 0;
    large_of(&large, value.mantissa);
    large_shift_up(&large, (size_t)value.exponent);
    while (large.count > 0) {
        uint32_t part = large_divide(&large, TEN_TO_THEM);
        for (int i = 0; i < DIGITS_AT_ONCE; i++, part /= 10)
            reversed[count++] = (char)('0' + part % 10);
    }
    while (count > 1 && reversed[count - 1] == '0')
        count--;
    for (size_t i = 0; i < count; i++)
        out[i] = reversed[count - 1 - i];
    return count;
}

static size_t write_number(char *out, uint64_t number, int least_digits) {
    char reversed[24];
    size_t count = 0;
    for (; number || (int)count < least_digits; number /= 10)
        reversed[count++] = (char)('0' + number % 10);
    for (size_t i = 0; i < count; i++)
        out[i] = reversed[count - 1 - i];
    return count;
}

/* Of what is less than 2^64 and may have decimals. */
static size_t write_decimals(char *out, struct extended value) {
    wide all = (wide)value.mantissa * ten_to_decimals;
    int dropped = -value.exponent;
    all = dropped > wide_bits(all) ? 0 : (all >> dropped) + rounds_up(all, dropped, false);
    size_t length = write_number(out, (uint64_t)(all / ten_to_decimals), 1);
    uint64_t decimals = (uint64_t)(all % ten_to_decimals);
    if (decimals == 0)
        return length;
    out[length++] = '.';
    length += write_number(out + length, decimals, DECIMALS);
    while (out[length - 1] == '0')
        length--;
    return length;
}

size_t extended_format(char out[EXTENDED_TEXT_BYTES], struct extended value) {
    size_t sign = value.is_negative;
    out[0] = '-';
    if (value.is_infinite) {
        memcpy(out + sign, "inf", 3);
        return sign + 3;
    }
    size_t length = value.mantissa && value.exponent >= 0 ? write_integer(out + sign, value)
                                                          : write_decimals(out + sign, value);
    if (length == 1 && out[sign] == '0') { /* nothing is left that could be negative */
        out[0] = '0';
        return 1;
    }
    return sign + length;
}
