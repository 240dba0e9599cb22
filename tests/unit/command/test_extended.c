/* Floats that are the same on every machine: each text, sum and digit is what the long double of an
 * x86 has, and on one it is asked. */
#include "../unit.h"
#include "base/random.h"
#include "command/extended.h"
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

static void expect_text(struct extended value, const char *expected, const char *of) {
    char text[EXTENDED_TEXT_BYTES];
    size_t length = extended_format(text, value);
    if (!bytes_equal(bytes_of(text, length), bytes_of_text(expected)))
        fail_msg("%s was written as %.*s, not %s", of, (int)length, text, expected);
}

static struct extended read(const char *text) {
    struct extended value;
    if (!extended_parse(bytes_of_text(text), &value))
        fail_msg("'%s' was refused", text);
    return value;
}

static void numbers_are_written_for_people(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"3", "3"},
                                           {"3.0", "3"},
                                           {"10.50", "10.5"},
                                           {"5.0e3", "5000"},
                                           {"-0", "0"},
                                           {"0.1", "0.1"},
                                           {"100", "100"},
                                           {"-1.25", "-1.25"},
                                           {"1e-18", "0"},
                                           {"inf", "inf"},
                                           {"-Infinity", "-inf"},
                                           {"-1e-18", "0"},
                                           {"0x1.8p3", "12"},
                                           {"+.5", "0.5"},
                                           {"5.e1", "50"},
                                           {"0e99999999999999999999", "0"},
                                           {"18446744073709551617", "18446744073709551616"},
                                           {"0.000000000000000005", "0"},
                                           {"1e20", "100000000000000000000"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_text(read(cases[i][0]), cases[i][1], cases[i][0]);
}

static void what_is_no_number_is_refused(void **state) {
    (void)state;
    static const char *const refused[] = {"",          " 1",        "1 ",
                                          "nan",       "-nan",      "nan(1)",
                                          "1x",        "e",         "1e",
                                          "1e+",       "1,5",       ".",
                                          "\t1",       "1.5.5",     "0x",
                                          "0x.p1",     "0x1p",      "0xg",
                                          "--1",       "+-1",       "infinit",
                                          "i",         "1e5000",    "-1e5000",
                                          "1e-5000",   "1.2e4932",  "1e99999999999999999999",
                                          "0x1p16384", "0x1p-16447"};
    struct extended value;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (extended_parse(bytes_of_text(refused[i]), &value))
            fail_msg("'%s' was read", refused[i]);
    assert_false(extended_parse(bytes_of("1\0", 2), &value));
    assert_false(extended_parse(BYTES_NONE, &value));
    char digits[EXTENDED_TEXT_BYTES];
    memset(digits, '0', sizeof digits);
    assert_false(extended_parse(bytes_of(digits, sizeof digits), &value));
    assert_true(extended_parse(bytes_of(digits, sizeof digits - 1), &value));
}

/* From what an x86 said: the bits that its 80 have, and not those of a double, or of 128. */
static void sums_have_the_bits_of_80(void **state) {
    (void)state;
    static const char *const cases[][3] = {{"0.1", "0.2", "0.3"},
                                           {"1234.1", "0.1", "1234.19999999999999996"},
                                           {"1e17", "0.5", "100000000000000000.5"},
                                           {"9223372036854775807", "0.5", "9223372036854775807.5"},
                                           {"18446744073709551615", "0.5", "18446744073709551616"},
                                           {"18446744073709551614", "0.5", "18446744073709551614"},
                                           {"3", "-3", "0"},
                                           {"-0.5", "0.25", "-0.25"},
                                           {"1e20", "-1e-4932", "100000000000000000000"},
                                           {"inf", "1", "inf"},
                                           {"1", "-inf", "-inf"}};
    struct extended sum;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(extended_add(read(cases[i][0]), read(cases[i][1]), &sum));
        expect_text(sum, cases[i][2], cases[i][0]);
    }
    assert_false(extended_add(read("inf"), read("-inf"), &sum));
    assert_true(extended_add(read("8e4931"), read("8e4931"), &sum));
    assert_true(sum.is_infinite);
}

#if LDBL_MANT_DIG == 64

enum { LOTS = 10000 };

/* As Redis reads: string2ld. */
static bool long_double_parse(const char *text, long double *value) {
    char *end;
    errno = 0;
    *value = strtold(text, &end);
    bool is_out_of_range = errno == ERANGE && (isinf(*value) || *value == 0);
    return *text && *text != ' ' && *end == '\0' && !is_out_of_range && !isnan(*value);
}

/* As Redis writes: ld2string, for people. */
static void long_double_format(char *out, long double value) {
    int length = sprintf(out, "%.17Lf", value);
    if (strchr(out, '.')) {
        while (out[length - 1] == '0')
            length--;
        length -= out[length - 1] == '.';
    }
    out[length] = '\0';
    if (strcmp(out, "-0") == 0)
        strcpy(out, "0");
}

static struct random lots;

static unsigned lot(unsigned bound) { return (unsigned)random_below(&lots, bound); }

static size_t append_digits(char *out, unsigned count, const char *digits) {
    for (unsigned i = 0; i < count; i++)
        out[i] = digits[lot((unsigned)strlen(digits))];
    out[count] = '\0';
    return count;
}

/* Short and long ones, close to the edges of the type, halves, hex, and now and then rubbish. */
static void make_text(char *out) {
    static const int near[] = {0, 0, 0, 1, -1, 17, -17, 18, -18, 20, -20, 300, -300},
                     far[] = {4930, 4931, 4932, -4930, -4940, -4949, -4950, -4951};
    int power =
        lot(20) ? near[lot(sizeof near / sizeof near[0])] : far[lot(sizeof far / sizeof far[0])];
    bool is_hex = lot(8) == 0;
    const char *digits = lot(4) ? is_hex ? "0123456789abcdef" : "0123456789" : lot(2) ? "05" : "09";
    char *at = out;
    if (lot(3) == 0)
        *at++ = lot(4) ? '-' : '+';
    if (is_hex)
        at += sprintf(at, "0x");
    at += append_digits(at, lot(lot(20) ? 22 : 400), digits);
    if (lot(2))
        *at++ = '.';
    at += append_digits(at, lot(lot(20) ? 22 : 400), digits);
    if (lot(2))
        at += sprintf(at, "%c%d", is_hex ? 'p' : 'e', power * (is_hex ? 3 : 1) + (int)lot(40) - 20);
    if (lot(200) == 0)
        at += append_digits(at, 1, "x.e- ");
}

static void any_text_and_sum_is_as_on_an_x86(void **state) {
    (void)state;
    char text[1024], expected[EXTENDED_TEXT_BYTES];
    long double sum = 0, before = 0;
    struct extended ours = {0}, ours_before = {0};
    unsigned read_count = 0;
    random_init(&lots, 5);
    for (unsigned i = 0; i < LOTS; i++) {
        make_text(text);
        bool is_number = long_double_parse(text, &sum),
             is_ours = extended_parse(bytes_of_text(text), &ours);
        if (is_number != is_ours)
            fail_msg("'%s' was %s", text, is_ours ? "read" : "refused");
        if (!is_number)
            continue;
        read_count++;
        long_double_format(expected, sum);
        expect_text(ours, expected, text);
        bool is_sum = extended_add(ours, ours_before, &ours_before);
        before += sum;
        assert_int_equal(is_sum, !isnan(before));
        long_double_format(expected, before);
        expect_text(ours_before, expected, text);
        if (!is_sum || isinf(before) || lot(4) == 0) {
            before = sum;
            ours_before = ours;
        }
    }
    assert_true(read_count > LOTS / 2);
}

RUN_TESTS(cmocka_unit_test(numbers_are_written_for_people),
          cmocka_unit_test(what_is_no_number_is_refused),
          cmocka_unit_test(sums_have_the_bits_of_80),
          cmocka_unit_test(any_text_and_sum_is_as_on_an_x86))

#else

RUN_TESTS(cmocka_unit_test(numbers_are_written_for_people),
          cmocka_unit_test(what_is_no_number_is_refused),
          cmocka_unit_test(sums_have_the_bits_of_80))

#endif
