/* Bytes with their length: what stands before a mark is taken off, text is compared as Redis
 * compares it, and a hash is of the bytes however they come. */
#include "../unit.h"
#include "base/bytes.h"

static void expect_parts(const char *text, const char *const *parts) {
    struct bytes rest = bytes_of_text(text);
    for (; *parts; parts++)
        assert_true(bytes_equal(bytes_take_until(&rest, ','), bytes_of_text(*parts)));
    assert_int_equal(rest.length, 0);
}

static void test_what_stands_before_a_mark_is_taken(void **state) {
    (void)state;
    expect_parts("one,two", (const char *const[]){"one", "two", NULL});
    expect_parts("one", (const char *const[]){"one", NULL});
    expect_parts(",,a", (const char *const[]){"", "", "a", NULL});
    expect_parts("a,", (const char *const[]){"a", NULL}); /* as without the mark */
    expect_parts("", (const char *const[]){"", "", NULL});
    struct bytes nothing = BYTES_NONE;
    assert_int_equal(bytes_take_until(&nothing, ',').length, 0);
    struct bytes rest = bytes_of("a\0b", 3);
    assert_true(bytes_equal(bytes_take_until(&rest, 0), BYTES_LITERAL("a")));
    assert_true(bytes_equal(rest, BYTES_LITERAL("b")));
}

static void test_order_is_by_unsigned_bytes_and_then_by_length(void **state) {
    (void)state;
    static const char *const ordered[] = {"", "a", "ab", "b", "\x7f", "\x80", "\xff"};
    for (size_t i = 0; i < sizeof ordered / sizeof ordered[0]; i++)
        for (size_t j = 0; j < sizeof ordered / sizeof ordered[0]; j++) {
            int order = bytes_compare(bytes_of_text(ordered[i]), bytes_of_text(ordered[j]));
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
}

static void test_only_letters_lose_their_case(void **state) {
    (void)state;
    assert_true(bytes_equal_ignoring_case(BYTES_LITERAL("GeT"), "get"));
    assert_false(bytes_equal_ignoring_case(BYTES_LITERAL("get"), "gets"));
    assert_false(bytes_equal_ignoring_case(BYTES_LITERAL("gets"), "get"));
    assert_false(bytes_equal_ignoring_case(BYTES_LITERAL("@"), "`")); /* 0x40 and 0x60 */
    assert_false(bytes_equal_ignoring_case(BYTES_LITERAL("["), "{"));
}

static void test_a_word_has_no_blank_in_it(void **state) {
    (void)state;
    assert_true(bytes_are_word(BYTES_LITERAL("!~az")));
    assert_true(bytes_are_word(BYTES_NONE));
    assert_false(bytes_are_word(BYTES_LITERAL("a b")));
    assert_false(bytes_are_word(BYTES_LITERAL("a\x7f")));
    assert_false(bytes_are_word(BYTES_LITERAL("\xc3\xa4")));
}

/* In two pieces, cut anywhere. */
static void test_a_hash_is_of_all_that_came(void **state) {
    (void)state;
    uint8_t data[600];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
    uint64_t whole = bytes_hash(bytes_of(data, sizeof data), 5);
    assert_true(whole != bytes_hash(bytes_of(data, sizeof data), 6));
    for (size_t cut = 0; cut <= sizeof data; cut++) {
        struct bytes_hasher *hasher = bytes_hasher_new(5);
        bytes_hasher_add(hasher, bytes_of(data, cut));
        bytes_hasher_add(hasher, bytes_of(data + cut, sizeof data - cut));
        assert_true(bytes_hasher_sum(hasher) == whole);
        bytes_hasher_free(hasher);
    }
}

RUN_TESTS(cmocka_unit_test(test_what_stands_before_a_mark_is_taken),
          cmocka_unit_test(test_order_is_by_unsigned_bytes_and_then_by_length),
          cmocka_unit_test(test_only_letters_lose_their_case),
          cmocka_unit_test(test_a_word_has_no_blank_in_it),
          cmocka_unit_test(test_a_hash_is_of_all_that_came))
