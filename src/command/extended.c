#include "command/extended.h"
#include "base/check.h"
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mpfr.h>

/* The type's exponents as MPFR counts them, which holds a mantissa for one between 1/2 and 1. */
enum { MANTISSA_BITS = 64, EXPONENT_LEAST = -16444, EXPONENT_MOST = 16384 };

/* A number of MPFR's that allocates nothing: its one limb stands beside it. */
struct number {
    mpfr_t value;
    mp_limb_t limb;
};
static_assert(sizeof(mp_limb_t) * 8 == MANTISSA_BITS, "a mantissa is one limb");

/* The range of exponents is the thread's; nobody else here counts with MPFR. */
static void begin(void) {
    mpfr_set_emin(EXPONENT_LEAST);
    mpfr_set_emax(EXPONENT_MOST);
    mpfr_clear_flags();
}

static void number_set(struct number *number, struct extended from) {
    int kind = from.is_infinite ? MPFR_INF_KIND
               : from.mantissa  ? MPFR_REGULAR_KIND
                                : MPFR_ZERO_KIND;
    number->limb = from.mantissa;
    mpfr_custom_init_set(number->value, from.is_negative ? -kind : kind,
                         from.exponent + MANTISSA_BITS, MANTISSA_BITS, &number->limb);
}

static struct extended number_get(const struct number *number) {
    struct extended result = {.is_negative = mpfr_signbit(number->value) != 0,
                              .is_infinite = mpfr_inf_p(number->value) != 0};
    if (!mpfr_regular_p(number->value))
        return result;
    result.mantissa = number->limb;
    result.exponent = (int)mpfr_get_exp(number->value) - MANTISSA_BITS;
    return result;
}

/* What strtold takes and mpfr_strtofr does not take alike: it knows no base 2 and no '@', and takes
 * a whole "infinity". The text ends with a NUL, and has none before. */
static bool is_written_as_c_does(const char *text) {
    const char *digits = text + (*text == '-' || *text == '+');
    return (isdigit((unsigned char)*digits) || strchr(".iI", *digits)) && !strchr(text, '@');
}

static int base_of(const char *text) {
    const char *digits = text + (*text == '-' || *text == '+');
    return digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X') ? 16 : 10;
}

bool extended_parse(struct bytes text, struct extended *value) {
    char terminated[EXTENDED_TEXT_BYTES], *end;
    if (text.length == 0 || text.length >= sizeof terminated)
        return false;
    memcpy(terminated, text.data, text.length);
    terminated[text.length] = '\0';
    if (!is_written_as_c_does(terminated))
        return false;
    begin();
    struct number number;
    number_set(&number, (struct extended){.mantissa = 0});
    int side = mpfr_strtofr(number.value, terminated, &end, base_of(terminated), MPFR_RNDN);
    mpfr_subnormalize(number.value, side, MPFR_RNDN);
    bool is_too_small = mpfr_zero_p(number.value) && mpfr_underflow_p();
    if (end != terminated + text.length || mpfr_overflow_p() || is_too_small)
        return false;
    *value = number_get(&number);
    return true;
}

bool extended_add(struct extended a, struct extended b, struct extended *sum) {
    struct number one, other, both;
    begin();
    number_set(&one, a);
    number_set(&other, b);
    number_set(&both, (struct extended){.mantissa = 0});
    int side = mpfr_add(both.value, one.value, other.value, MPFR_RNDN);
    mpfr_subnormalize(both.value, side, MPFR_RNDN);
    *sum = number_get(&both);
    return !mpfr_nan_p(both.value);
}

size_t extended_format(char out[EXTENDED_TEXT_BYTES], struct extended value) {
    struct number number;
    begin();
    number_set(&number, value);
    int printed = mpfr_snprintf(out, EXTENDED_TEXT_BYTES, "%.17RNf", number.value);
    CHECK(printed > 0 && printed < EXTENDED_TEXT_BYTES);
    size_t length = (size_t)printed;
    if (memchr(out, '.', length)) {
        while (out[length - 1] == '0')
            length--;
        length -= out[length - 1] == '.';
    }
    if (length == 2 && out[0] == '-' && out[1] == '0') /* nothing is left that could be negative */
        out[--length - 1] = '0';
    return length;
}
