/* Buffers beside a plain array that does the same; what they refuse, and when their memory goes
 * back. */
#include "../unit.h"
#include "base/buffer.h"
#include "base/random.h"

enum { MODEL_BYTES = 4096 };

static void assert_holds(const struct buffer *buffer, const uint8_t *model, size_t length) {
    assert_int_equal(buffer->length, length);
    if (length)
        assert_memory_equal(buffer_data(buffer), model, length);
}

/* Appends, consumes and truncates by lot, beside a plain array that is moved by memmove. */
static void test_behaves_like_a_plain_array(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 1);
    struct buffer buffer;
    buffer_init(&buffer, MODEL_BYTES);
    uint8_t model[MODEL_BYTES];
    size_t length = 0;
    for (int step = 0; step < 20000; step++) {
        uint8_t chunk[300];
        size_t amount = (size_t)random_below(&random, sizeof chunk);
        for (size_t i = 0; i < amount; i++)
            chunk[i] = (uint8_t)random_next(&random);
        switch (random_below(&random, 4)) {
        case 0:
        case 1:
            if (length + amount > MODEL_BYTES)
                break;
            buffer_append(&buffer, chunk, amount);
            memcpy(model + length, chunk, amount);
            length += amount;
            break;
        case 2:
            amount = amount < length ? amount : length;
            buffer_consume(&buffer, amount);
            memmove(model, model + amount, length - amount);
            length -= amount;
            break;
        case 3:
            amount = amount < length ? amount : length;
            buffer_truncate(&buffer, length - amount);
            length -= amount;
            break;
        }
        assert_holds(&buffer, model, length);
    }
    assert_false(buffer.is_overflowed);
    buffer_release(&buffer);
}

static void test_past_the_maximum_nothing_is_appended(void **state) {
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 8);
    buffer_append_text(&buffer, "12345678");
    assert_false(buffer.is_overflowed);
    buffer_append_u8(&buffer, '9');
    assert_true(buffer.is_overflowed);
    assert_holds(&buffer, (const uint8_t *)"12345678", 8);
    assert_null(buffer_reserve(&buffer, SIZE_MAX));
    buffer_consume(&buffer, 4);
    buffer_append_text(&buffer, "abcd"); /* room again, but the overflow stays said */
    assert_holds(&buffer, (const uint8_t *)"5678abcd", 8);
    assert_true(buffer.is_overflowed);
    buffer_clear(&buffer);
    assert_false(buffer.is_overflowed);
    buffer_release(&buffer);
}

static void test_integers_are_little_endian_and_varints_leb128(void **state) {
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 1024);
    buffer_append_u8(&buffer, 0x01);
    buffer_append_u16(&buffer, 0x0203);
    buffer_append_u32(&buffer, 0x04050607);
    buffer_append_u64(&buffer, 0x08090a0b0c0d0e0f);
    buffer_append_varint(&buffer, 0);
    buffer_append_varint(&buffer, 300);
    buffer_append_varint(&buffer, UINT64_MAX);
    buffer_append_length_prefixed(&buffer, BYTES_LITERAL("hi"));
    static const uint8_t golden[] = {0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04, 0x0f,
                                     0x0e, 0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08, 0x00,
                                     0xac, 0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0x01, 0x02, 'h',  'i'};
    assert_holds(&buffer, golden, sizeof golden);
    buffer_release(&buffer);
}

static void test_formats_short_and_long(void **state) {
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 4096);
    buffer_append_format(&buffer, "%d-%s", 7, "x");
    assert_holds(&buffer, (const uint8_t *)"7-x", 3);
    buffer_clear(&buffer);
    buffer_append_format(&buffer, "%01000d", 5);
    assert_int_equal(buffer.length, 1000);
    assert_int_equal(buffer_data(&buffer)[999], '5');
    buffer_release(&buffer);
}

static void test_reserve_then_grew(void **state) {
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 1 << 20);
    uint8_t *room = buffer_reserve(&buffer, 100000);
    assert_non_null(room);
    memset(room, 'r', 100000);
    buffer_grew(&buffer, 60000);
    assert_int_equal(buffer.length, 60000);
    buffer_consume(&buffer, 59999);
    buffer_append_text(&buffer, "!");
    assert_holds(&buffer, (const uint8_t *)"r!", 2);
    buffer_clear(&buffer);
    assert_null(buffer.memory); /* large memory goes back */
    buffer_release(&buffer);
}

/* What is used again at once keeps its memory, up to what its owner says. */
static void test_recycled_memory_is_kept_up_to_a_limit(void **state) {
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 1 << 20);
    assert_non_null(buffer_reserve(&buffer, 100000));
    const uint8_t *memory = buffer.memory;
    buffer_grew(&buffer, 70000);
    buffer_consume(&buffer, 30000);
    buffer_recycle(&buffer, buffer.capacity);
    assert_ptr_equal(buffer_data(&buffer), memory);
    assert_int_equal(buffer.length, 0);
    buffer_recycle(&buffer, buffer.capacity - 1);
    assert_null(buffer.memory);
    assert_int_equal(buffer.capacity, 0);
    buffer_release(&buffer);
}

static void fill_and_reuse(struct buffer *buffer, size_t length) {
    assert_non_null(buffer_reserve(buffer, length));
    buffer_grew(buffer, length);
    buffer_reuse(buffer, 1000, 100000);
}

/* Large memory outlasts a few small fillings, not many of them; too large it outlasts none. */
static void test_reused_memory_is_kept_while_it_is_needed(void **state) {
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 1 << 20);
    for (unsigned round = 0; round < 3; round++) {
        fill_and_reuse(&buffer, 70000);
        const uint8_t *memory = buffer.memory;
        assert_non_null(memory);
        for (unsigned i = 1; i < BUFFER_UNNEEDED_MAXIMUM; i++)
            fill_and_reuse(&buffer, 10);
        assert_ptr_equal(buffer.memory, memory);
    }
    fill_and_reuse(&buffer, 10);
    assert_null(buffer.memory);
    fill_and_reuse(&buffer, 100001);
    assert_null(buffer.memory);
    buffer_release(&buffer);
}

/* The memory goes along, and each keeps its maximum; what was consumed of either does not matter.
 */
static void test_moving_copies_nothing(void **state) {
    (void)state;
    struct buffer from, to;
    buffer_init(&from, 1000);
    buffer_init(&to, 500);
    buffer_append_text(&from, "gone, held");
    buffer_append_text(&to, "all gone");
    buffer_consume(&from, 6);
    buffer_consume(&to, to.length);
    const uint8_t *held = buffer_data(&from), *spare = to.memory;
    buffer_move(&to, &from);
    assert_ptr_equal(buffer_data(&to), held);
    assert_true(bytes_equal(buffer_bytes(&to), BYTES_LITERAL("held")));
    assert_int_equal(from.length, 0);
    buffer_append_text(&from, "anew");
    assert_ptr_equal(buffer_data(&from), spare);
    assert_null(buffer_reserve(&to, 497));
    assert_non_null(buffer_reserve(&from, 900));
    buffer_release(&from);
    buffer_release(&to);
}

RUN_TESTS(cmocka_unit_test(test_moving_copies_nothing),
          cmocka_unit_test(test_behaves_like_a_plain_array),
          cmocka_unit_test(test_past_the_maximum_nothing_is_appended),
          cmocka_unit_test(test_integers_are_little_endian_and_varints_leb128),
          cmocka_unit_test(test_formats_short_and_long), cmocka_unit_test(test_reserve_then_grew),
          cmocka_unit_test(test_recycled_memory_is_kept_up_to_a_limit),
          cmocka_unit_test(test_reused_memory_is_kept_while_it_is_needed))
