/* Reading bytes: what a buffer wrote comes back, and whatever ends too early or lies fails for
 * good. */
#include "../unit.h"
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"
#include "base/random.h"

static void test_reads_back_what_a_buffer_wrote(void **state) {
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 1024);
    buffer_append_u8(&buffer, 200);
    buffer_append_u16(&buffer, 60000);
    buffer_append_u32(&buffer, 4000000000u);
    buffer_append_u64(&buffer, UINT64_MAX - 1);
    buffer_append_length_prefixed(&buffer, BYTES_LITERAL("payload"));
    buffer_append_text(&buffer, "tail");
    struct cursor cursor = cursor_of(buffer_bytes(&buffer));
    assert_int_equal(cursor_u8(&cursor), 200);
    assert_int_equal(cursor_u16(&cursor), 60000);
    assert_int_equal(cursor_u32(&cursor), 4000000000u);
    assert_true(cursor_u64(&cursor) == UINT64_MAX - 1);
    assert_true(bytes_equal(cursor_length_prefixed(&cursor, 7), BYTES_LITERAL("payload")));
    assert_int_equal(cursor_left(&cursor), 4);
    assert_int_equal(cursor_finish(&cursor), ERR_MALFORMED); /* not all was read */
    assert_true(bytes_equal(cursor_bytes(&cursor, 4), BYTES_LITERAL("tail")));
    assert_int_equal(cursor_finish(&cursor), 0);
    buffer_release(&buffer);
}

static void test_past_the_end_it_fails_for_good(void **state) {
    (void)state;
    struct cursor cursor = cursor_of(BYTES_LITERAL("\x01\x02\x03"));
    assert_int_equal(cursor_u32(&cursor), 0);
    assert_true(cursor.is_failed);
    assert_int_equal(cursor_u8(&cursor), 0); /* though three bytes are there */
    assert_int_equal(cursor_bytes(&cursor, 1).length, 0);
    assert_int_equal(cursor_finish(&cursor), ERR_MALFORMED);

    struct cursor empty = cursor_of(BYTES_NONE);
    assert_int_equal(cursor_finish(&empty), 0);
    assert_int_equal(cursor_bytes(&empty, 0).length, 0);
    assert_false(empty.is_failed);
}

static void test_varints_of_every_size_come_back(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 2);
    for (int i = 0; i < 10000; i++) {
        uint64_t value = random_next(&random) >> random_below(&random, 64);
        struct buffer buffer;
        buffer_init(&buffer, 16);
        buffer_append_varint(&buffer, value);
        struct cursor cursor = cursor_of(buffer_bytes(&buffer));
        assert_true(cursor_varint(&cursor) == value);
        assert_int_equal(cursor_finish(&cursor), 0);
        buffer_release(&buffer);
    }
}

static void assert_varint_fails(struct bytes bytes) {
    struct cursor cursor = cursor_of(bytes);
    assert_true(cursor_varint(&cursor) == 0);
    assert_true(cursor.is_failed);
}

static void test_varints_that_are_cut_padded_or_too_large_fail(void **state) {
    (void)state;
    assert_varint_fails(BYTES_NONE);
    assert_varint_fails(BYTES_LITERAL("\x80"));
    assert_varint_fails(bytes_of("\x80\x00", 2));
    assert_varint_fails(BYTES_LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));
    assert_varint_fails(BYTES_LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
}

static void test_a_length_prefix_is_bounded(void **state) {
    (void)state;
    struct cursor long_one = cursor_of(BYTES_LITERAL("\x05hello"));
    assert_int_equal(cursor_length_prefixed(&long_one, 4).length, 0);
    assert_true(long_one.is_failed);
    struct cursor lying = cursor_of(BYTES_LITERAL("\x06hello"));
    assert_int_equal(cursor_length_prefixed(&lying, 100).length, 0);
    assert_true(lying.is_failed);
}

RUN_TESTS(cmocka_unit_test(test_reads_back_what_a_buffer_wrote),
          cmocka_unit_test(test_past_the_end_it_fails_for_good),
          cmocka_unit_test(test_varints_of_every_size_come_back),
          cmocka_unit_test(test_varints_that_are_cut_padded_or_too_large_fail),
          cmocka_unit_test(test_a_length_prefix_is_bounded))
