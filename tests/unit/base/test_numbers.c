/* Numbers as Redis reads and writes them, and checksums against values that others published. */
#include "../unit.h"
#include "base/bytes.h"
#include "base/checksum.h"
#include "base/containers/histogram.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text/number.h"
#include <math.h>

static void test_integers_are_read_as_redis_reads_them(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool is_number;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"7", true, 7},
        {"-1", true, -1},
        {"1234567890123", true, 1234567890123},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"-0", false, 0},
        {"+1", false, 0},
        {"01", false, 0},
        {"00", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1.0", false, 0},
        {"1e3", false, 0},
        {"0x10", false, 0},
        {"--1", false, 0},
        {"1/", false, 0},
        {"1:", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = 0;
        bool is_number = number_parse_i64(bytes_of_text(cases[i].text), &value);
        if (is_number != cases[i].is_number || value != cases[i].value)
            fail_msg("'%s' was read as %d %lld", cases[i].text, is_number, (long long)value);
    }
}

static void test_integers_come_back_as_they_went(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 5);
    for (int i = 0; i < 20000; i++) {
        int64_t value = (int64_t)random_next(&random) >> random_below(&random, 64);
        if (i == 0)
            value = INT64_MIN;
        char expected[32], text[NUMBER_I64_TEXT_BYTES];
        int expected_length = snprintf(expected, sizeof expected, "%lld", (long long)value);
        size_t length = number_format_i64(text, value);
        assert_int_equal(length, expected_length);
        assert_memory_equal(text, expected, length);
        int64_t back;
        assert_true(number_parse_i64(bytes_of(text, length), &back));
        assert_true(back == value);
    }
}

static void test_doubles_are_read_strictly(void **state) {
    (void)state;
    static const char *const refused[] = {"",   " 1",    "1 ",     "nan",    "-nan", "1x", "e",
                                          "1e", "1e999", "-1e999", "1e-999", "1,5",  ".",  "\t1"};
    double value;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (number_parse_double(bytes_of_text(refused[i]), &value))
            fail_msg("'%s' was read as %g", refused[i], value);
    assert_true(number_parse_double(BYTES_LITERAL("1.5e3"), &value) && value == 1500);
    assert_true(number_parse_double(BYTES_LITERAL("-.25"), &value) && value == -0.25);
    assert_true(number_parse_double(BYTES_LITERAL("+3"), &value) && value == 3);
    assert_true(number_parse_double(BYTES_LITERAL("inf"), &value) && isinf(value));
    assert_true(number_parse_double(BYTES_LITERAL("-Infinity"), &value) && value < 0);
    assert_false(number_parse_double(bytes_of("1\0", 2), &value));
    char digits[NUMBER_DOUBLE_TEXT_BYTES];
    memset(digits, '0', sizeof digits);
    assert_false(number_parse_double(bytes_of(digits, sizeof digits), &value));
    assert_true(number_parse_double(bytes_of(digits, sizeof digits - 1), &value));
}

static void test_crc32c_has_its_known_values_in_both_ways(void **state) {
    (void)state;
    static const uint8_t zeros[32];
    assert_int_equal(checksum_crc32c(0, BYTES_LITERAL("123456789")), 0xe3069283);
    assert_int_equal(checksum_crc32c(0, bytes_of(zeros, 32)), 0x8a9136aa); /* RFC 3720 B.4 */
    assert_int_equal(checksum_crc32c(0, BYTES_NONE), 0);
    struct random random;
    random_init(&random, 6);
    uint8_t data[200];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)random_next(&random);
    for (size_t length = 0; length <= sizeof data; length++) {
        struct bytes whole = bytes_of(data, length);
        uint32_t crc = checksum_crc32c(0, whole);
        assert_int_equal(crc, checksum_crc32c_portable(0, whole));
        size_t cut = length / 3;
        uint32_t first = checksum_crc32c(0, bytes_of(data, cut));
        assert_int_equal(crc, checksum_crc32c(first, bytes_of(data + cut, length - cut)));
    }
}

/* Long input is read in three lanes that are joined. */
static void test_crc32c_of_long_input(void **state) {
    (void)state;
    enum { LANES_BYTES = 3 * 2048, BYTES = 4 * LANES_BYTES + 100 };
    struct random random;
    random_init(&random, 7);
    uint8_t data[BYTES];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)random_next(&random);
    for (unsigned i = 0; i < 400; i++) {
        size_t near = (i % 4 + 1) * LANES_BYTES + random_below(&random, 40) - 20;
        size_t length = i % 2 ? near : random_below(&random, BYTES + 1);
        uint32_t crc = checksum_crc32c(i, bytes_of(data, length));
        assert_int_equal(crc, checksum_crc32c_portable(i, bytes_of(data, length)));
        size_t cut = random_below(&random, length + 1);
        uint32_t first = checksum_crc32c(i, bytes_of(data, cut));
        assert_int_equal(crc, checksum_crc32c(first, bytes_of(data + cut, length - cut)));
        uint32_t second = checksum_crc32c(0, bytes_of(data + cut, length - cut));
        assert_int_equal(crc, checksum_crc32c_join(first, second, length - cut));
    }
}

/* Longer than any memory: zeros behind, at once or in two steps. */
static void test_crc32c_joins_what_is_very_long(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 8);
    for (unsigned i = 0; i < 400; i++) {
        uint32_t crc = (uint32_t)random_next(&random);
        uint64_t bytes = random_next(&random) >> (i % 64);
        uint64_t first = random_below(&random, bytes / 2 + 1);
        uint32_t step = checksum_crc32c_join(crc, 0, first);
        assert_int_equal(checksum_crc32c_join(step, 0, bytes - first),
                         checksum_crc32c_join(crc, 0, bytes));
    }
}

static void test_xxh3_has_its_known_value(void **state) {
    (void)state;
    assert_true(checksum_xxh64(BYTES_NONE, 0) == 0x2d06800538d394c2);
    assert_true(bytes_hash(BYTES_NONE, 0) == 0x2d06800538d394c2);
    assert_true(bytes_hash(BYTES_LITERAL("a"), 0) != bytes_hash(BYTES_LITERAL("a"), 1));
}

/* Bytes that come bit by bit have the hash that they have at once. */
static void test_a_hash_of_what_comes_bit_by_bit(void **state) {
    (void)state;
    enum { STEP = 61 };
    uint8_t text[3000];
    for (size_t at = 0; at < sizeof text; at++)
        text[at] = (uint8_t)(at * 7 + at / 256);
    for (size_t length = 0; length <= sizeof text; length += length < 300 ? 1 : 97) {
        struct bytes_hasher *hasher = bytes_hasher_new(length);
        for (size_t at = 0; at < length; at += STEP) {
            size_t left = length - at;
            bytes_hasher_add(hasher, bytes_of(text + at, left < STEP ? left : STEP));
        }
        assert_true(bytes_hasher_sum(hasher) == bytes_hash(bytes_of(text, length), length));
        bytes_hasher_free(hasher);
    }
}

static void test_bytes_compare_as_unsigned_and_shorter_first(void **state) {
    (void)state;
    assert_true(bytes_compare(BYTES_LITERAL("a"), BYTES_LITERAL("b")) < 0);
    assert_true(bytes_compare(BYTES_LITERAL("\xff"), BYTES_LITERAL("a")) > 0);
    assert_true(bytes_compare(BYTES_LITERAL("ab"), BYTES_LITERAL("a")) > 0);
    assert_true(bytes_compare(BYTES_NONE, BYTES_LITERAL("a")) < 0);
    assert_int_equal(bytes_compare(BYTES_NONE, BYTES_LITERAL("")), 0);
    assert_true(bytes_equal_ignoring_case(BYTES_LITERAL("SeT"), "set"));
    assert_false(bytes_equal_ignoring_case(BYTES_LITERAL("set"), "setex"));
    assert_false(bytes_equal_ignoring_case(BYTES_LITERAL("setex"), "set"));
    assert_false(bytes_equal_ignoring_case(BYTES_LITERAL("@"), "`"));
    assert_false(bytes_equal_ignoring_case(bytes_of("a\0", 2), "a"));
}

static void test_a_copy_of_bytes_ends_with_a_nul(void **state) {
    (void)state;
    char *part = bytes_copy_text(bytes_of("abc", 2)), *nothing = bytes_copy_text(BYTES_NONE);
    assert_string_equal(part, "ab");
    assert_string_equal(nothing, "");
    memory_free(part);
    memory_free(nothing);
}

static void test_random_gives_the_published_sequence(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 0);
    assert_true(random_next(&random) == 5987356902031041503u);
    assert_true(random_next(&random) == 7051070477665621255u);
    assert_true(random_next(&random) == 6633766593972829180u);
    assert_true(random_next(&random) == 211316841551650330u);
}

/* As the paper defines it, with its division each time. */
static uint64_t naive_below(struct random *random, uint64_t bound) {
    for (;;) {
        unsigned __int128 product = (unsigned __int128)random_next(random) * bound;
        if ((uint64_t)product >= -bound % bound)
            return (uint64_t)(product >> 64);
    }
}

/* Small bounds, and such of which up to half of all draws are made again. */
static void test_random_draws_again_what_would_be_likelier(void **state) {
    (void)state;
    struct random random, other;
    random_init(&random, 8);
    other = random;
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t bound = (random_next(&random) >> i % 64) | 1;
        random_next(&other);
        assert_int_equal(random_below(&random, bound), naive_below(&other, bound));
    }
}

static void test_random_stays_in_its_bounds_and_reaches_them(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 7);
    unsigned counts[10] = {0};
    for (int i = 0; i < 100000; i++)
        counts[random_below(&random, 10)]++;
    for (int i = 0; i < 10; i++)
        assert_in_range(counts[i], 9500, 10500);
    bool saw_low = false, saw_high = false;
    for (int i = 0; i < 1000; i++) {
        uint64_t value = random_between(&random, 5, 7);
        assert_in_range(value, 5, 7);
        saw_low |= value == 5;
        saw_high |= value == 7;
        double unit = random_unit(&random);
        assert_true(unit >= 0 && unit < 1);
    }
    assert_true(saw_low && saw_high);
    random_between(&random, 0, UINT64_MAX);
    assert_false(random_chance(&random, 0));
    assert_true(random_chance(&random, 1));
}

static void test_histogram_buckets_cover_everything_within_their_error(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 8);
    for (int i = 0; i < 50000; i++) {
        uint64_t value = random_next(&random) >> random_below(&random, 64);
        unsigned bucket = histogram_bucket(value);
        uint64_t upper = histogram_bucket_upper(bucket);
        assert_true(value <= upper);
        assert_true((double)(upper - value) <= 0.0625 * (double)value);
        assert_true(bucket == 0 || value > histogram_bucket_upper(bucket - 1));
    }
    assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKET_COUNT - 1);
    assert_true(histogram_bucket_upper(HISTOGRAM_BUCKET_COUNT - 1) == UINT64_MAX);
}

static void test_histogram_quantiles(void **state) {
    (void)state;
    struct histogram one = {0};
    assert_int_equal(histogram_quantile(&one, 0.5), 0);
    for (uint64_t i = 1; i <= 10; i++)
        histogram_add(&one, i);
    assert_int_equal(one.count, 10);
    assert_int_equal(one.sum, 55);
    assert_int_equal(one.maximum, 10);
    assert_int_equal(histogram_quantile(&one, 0.5), 5);
    assert_int_equal(histogram_quantile(&one, 0.51), 6);
    assert_int_equal(histogram_quantile(&one, 1), 10);
    assert_int_equal(histogram_quantile(&one, 0.0001), 1);
}

static void test_every_error_has_its_own_text(void **state) {
    (void)state;
    assert_string_equal(error_text(0), "success");
    assert_string_equal(error_text(ERR_MALFORMED), "malformed input");
    assert_string_equal(error_text(-10000), "unknown error");
    for (int i = 0; i < ERROR_COUNT; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(error_text(-1 - i), error_text(-1 - j));
}

RUN_TESTS(cmocka_unit_test(test_integers_are_read_as_redis_reads_them),
          cmocka_unit_test(test_integers_come_back_as_they_went),
          cmocka_unit_test(test_doubles_are_read_strictly),
          cmocka_unit_test(test_crc32c_has_its_known_values_in_both_ways),
          cmocka_unit_test(test_crc32c_of_long_input),
          cmocka_unit_test(test_crc32c_joins_what_is_very_long),
          cmocka_unit_test(test_xxh3_has_its_known_value),
          cmocka_unit_test(test_a_hash_of_what_comes_bit_by_bit),
          cmocka_unit_test(test_bytes_compare_as_unsigned_and_shorter_first),
          cmocka_unit_test(test_a_copy_of_bytes_ends_with_a_nul),
          cmocka_unit_test(test_random_gives_the_published_sequence),
          cmocka_unit_test(test_random_draws_again_what_would_be_likelier),
          cmocka_unit_test(test_random_stays_in_its_bounds_and_reaches_them),
          cmocka_unit_test(test_histogram_buckets_cover_everything_within_their_error),
          cmocka_unit_test(test_histogram_quantiles),
          cmocka_unit_test(test_every_error_has_its_own_text))
