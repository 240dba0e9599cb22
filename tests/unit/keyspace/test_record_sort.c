/* Records come into the order of their keys, whatever the keys have in common. */
#include "base/memory.h"
#include "base/random.h"
#include "keyspace/record/record_sort.h"
#include "slot/part_set.h"
#include "unit.h"

enum { LONGEST_KEY_BYTES = 20, RECORDS_MAXIMUM = 300 };

static struct record *record_of(struct bytes key) {
    struct record *record = memory_allocate_zeroed(1, sizeof *record + LONGEST_KEY_BYTES);
    record->key_length = (uint32_t)key.length & 0xff;
    if (key.length)
        memcpy(record->body, key.data, key.length);
    return record;
}

static void assert_sorts(const struct bytes *keys, size_t count) {
    struct record *records[RECORDS_MAXIMUM];
    for (size_t i = 0; i < count; i++)
        records[i] = record_of(keys[i]);
    record_sort(records, count);
    for (size_t i = 1; i < count; i++)
        assert_true(bytes_compare(record_key(records[i - 1]), record_key(records[i])) < 0);
    for (size_t i = 0; i < count; i++)
        memory_free(records[i]);
}

/* One key is the beginning of another, or goes on with a zero, where the numbers are equal. */
static void test_keys_that_begin_alike(void **state) {
    (void)state;
    const struct bytes keys[] = {BYTES_LITERAL("user:1002"),      BYTES_LITERAL("user:1001"),
                                 BYTES_LITERAL("user:"),          BYTES_LITERAL("user:\0"),
                                 BYTES_LITERAL("user:\0\0"),      BYTES_LITERAL("user:\xff"),
                                 BYTES_LITERAL("user:12345678b"), BYTES_LITERAL("user:12345678a"),
                                 BYTES_LITERAL("user:12345678"),  BYTES_LITERAL("user:12345678\0")};
    assert_sorts(keys, sizeof keys / sizeof keys[0]);
    assert_sorts(keys, 2);
    assert_sorts(keys, 1);
    assert_sorts(keys, 0);
    const struct bytes with_none[] = {BYTES_LITERAL("a"), BYTES_NONE, BYTES_LITERAL("\0")};
    assert_sorts(with_none, 3);
}

/* Keys of few letters, which have much in common, as many as one slot may hold and more. */
static void test_keys_by_lot(void **state) {
    (void)state;
    static uint8_t texts[RECORDS_MAXIMUM][LONGEST_KEY_BYTES];
    struct bytes keys[RECORDS_MAXIMUM];
    struct random random;
    random_init(&random, 3);
    for (unsigned round = 0; round < 50; round++) {
        size_t prefix = (size_t)random_below(&random, 9), count = 0;
        for (size_t i = 0; i < RECORDS_MAXIMUM; i++) {
            for (size_t at = 0; at < LONGEST_KEY_BYTES; at++)
                texts[count][at] = at < prefix ? 'p' : (uint8_t)(127 * random_below(&random, 3));
            size_t length = (size_t)random_between(&random, prefix, LONGEST_KEY_BYTES);
            keys[count] = bytes_of(texts[count], length);
            bool is_new = true; /* and where it is not, the next one takes its place */
            for (size_t before = 0; before < count; before++)
                is_new &= bytes_compare(keys[before], keys[count]) != 0;
            count += is_new;
        }
        assert_sorts(keys, count);
    }
}

/* However many there are: the last run may be short, or have nothing to be merged with. */
static void test_any_count(void **state) {
    (void)state;
    static char texts[RECORDS_MAXIMUM][LONGEST_KEY_BYTES];
    struct bytes keys[RECORDS_MAXIMUM];
    for (unsigned i = 0; i < RECORDS_MAXIMUM; i++) {
        snprintf(texts[i], sizeof texts[i], "key:%u", i * 7919 % 10007);
        keys[i] = bytes_of_text(texts[i]);
    }
    for (size_t count = 0; count <= RECORDS_MAXIMUM; count++)
        assert_sorts(keys, count);
}

/* By the hash that divides slots, whatever order they come in. */
static void test_by_hash(void **state) {
    (void)state;
    struct record *records[RECORDS_MAXIMUM];
    for (unsigned i = 0; i < RECORDS_MAXIMUM; i++) {
        char text[LONGEST_KEY_BYTES];
        records[i] = record_of(bytes_of(text, (size_t)snprintf(text, sizeof text, "key%u", i)));
    }
    record_sort_by_hash(records, RECORDS_MAXIMUM);
    for (size_t i = 1; i < RECORDS_MAXIMUM; i++)
        assert_true(slot_part_hash(record_key(records[i - 1])) <
                    slot_part_hash(record_key(records[i])));
    for (size_t i = 0; i < RECORDS_MAXIMUM; i++)
        memory_free(records[i]);
}

RUN_TESTS(cmocka_unit_test(test_by_hash), cmocka_unit_test(test_keys_that_begin_alike),
          cmocka_unit_test(test_keys_by_lot), cmocka_unit_test(test_any_count))
