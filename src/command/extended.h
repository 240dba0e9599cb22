/* Numbers as the long double of x86 has them: 64 bits of mantissa, 15 of exponent, all results
 * rounded to the nearest, halves to even. Redis adds floats in a long double, which is another type
 * on another machine; what a replica holds must not depend on its machine, its C library or its
 * rounding mode, so INCRBYFLOAT and HINCRBYFLOAT count with these, by MPFR
 * (docs/decisions/0055-floats-are-of-one-kind.md). */
#pragma once
#include "base/bytes.h"

/* mantissa * 2^exponent; the highest bit of the mantissa is set, or the value is 0. */
struct extended {
    uint64_t mantissa;
    int exponent;
    bool is_negative, is_infinite;
};

enum { EXTENDED_TEXT_BYTES = 5 * 1024 };

/* Takes what Redis's string2ld takes: the whole text, as strtold reads it in the C locale, hex and
 * "inf" included, less than EXTENDED_TEXT_BYTES long. Refused: a space in front, anything behind,
 * not-a-number, a value too large or too small for the type. */
bool extended_parse(struct bytes text, struct extended *value);
/* One infinity and the other one have no sum: false. */
bool extended_add(struct extended a, struct extended b, struct extended *sum);
/* 17 decimals without trailing zeros ("3", "0.1", "inf"), without a NUL; returns the length. */
size_t extended_format(char out[EXTENDED_TEXT_BYTES], struct extended value);
