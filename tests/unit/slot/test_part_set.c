/* Sets of slots and of parts of slots. */
#include "../planting.h"
#include "slot/part_set.h"
#include "slot/slot_watch.h"

static struct slot_part part(slot_number slot, unsigned bits, unsigned number) {
    return (struct slot_part){.slot = slot, .bits = (uint8_t)bits, .number = (uint16_t)number};
}

/* What a key's part is stands in files that outlive releases: it never changes. */
static void test_the_hash_of_parts(void **state) {
    (void)state;
    assert_true(slot_part_hash(BYTES_NONE) == 0x2d06800538d394c2);
    assert_true(slot_part_hash(BYTES_LITERAL("{same}7")) == 0x1643b7a2cfe6f307);
    assert_int_equal(slot_part_number(0x2d06800538d394c2, 0), 0);
    assert_int_equal(slot_part_number(0x2d06800538d394c2, 4), 2);
    assert_int_equal(slot_part_number(UINT64_MAX, SLOT_PART_BITS_MAXIMUM), SLOT_PARTS_MAXIMUM - 1);
}

/* A slot that is not divided is in as a whole, whatever of it was added. */
static void test_slots(void **state) {
    (void)state;
    struct part_set set = {.parts = NULL};
    assert_false(part_set_has(&set, slot_whole(7)));
    part_set_add(&set, part(7, 3, 2));
    part_set_add_key(&set, 9, BYTES_LITERAL("key"));
    assert_true(part_set_has(&set, slot_whole(7)));
    assert_true(part_set_has(&set, part(7, 3, 5)));
    assert_true(part_set_has_key(&set, 9, BYTES_LITERAL("other")));
    assert_false(part_set_has_key(&set, 8, BYTES_LITERAL("other")));
    assert_false(part_set_has_behind(&set, slot_whole(7)));
    assert_null(set.parts);
    part_set_add_all(&set);
    assert_int_equal(slot_set_count(&set.slots), SLOT_COUNT);
    part_set_clear(&set);
    assert_int_equal(slot_set_count(&set.slots), 0);
}

/* A part is in a set in whatever division it is asked for. */
static void test_parts(void **state) {
    (void)state;
    struct part_set set = {.parts = NULL};
    part_set_divide(&set, 7);
    part_set_divide(&set, 7);
    assert_false(part_set_has(&set, slot_whole(7)));
    part_set_add(&set, part(7, 3, 2));
    assert_true(part_set_has(&set, slot_whole(7)));
    for (unsigned number = 0; number < 16; number++) {
        assert_int_equal(part_set_has(&set, part(7, 4, number)), number / 2 == 2);
        assert_int_equal(part_set_has(&set, part(7, 2, number % 4)), number % 4 == 1);
        assert_int_equal(part_set_has_behind(&set, part(7, 4, number)), number < 5);
    }
    struct bytes key = BYTES_LITERAL("key");
    unsigned share = (unsigned)slot_part_number(slot_part_hash(key), SLOT_PART_BITS_MAXIMUM);
    assert_int_not_equal(share >> 9, 2);
    assert_false(part_set_has_key(&set, 7, key));
    part_set_add_key(&set, 7, key);
    assert_true(part_set_has_key(&set, 7, key));
    assert_true(part_set_has(&set, part(7, SLOT_PART_BITS_MAXIMUM, share)));
    assert_false(part_set_has(&set, part(7, SLOT_PART_BITS_MAXIMUM, share ^ 1)));
    part_set_clear(&set);
    assert_false(part_set_has(&set, slot_whole(7)));
}

/* Two sets that may divide other slots: nothing is lost, and what only one divides is in whole. */
static void test_adding_a_set(void **state) {
    (void)state;
    struct part_set set = {.parts = NULL}, other = {.parts = NULL};
    part_set_divide(&set, 1);
    part_set_divide(&other, 1);
    part_set_divide(&set, 2);
    part_set_divide(&other, 3);
    part_set_divide(&set, 4);
    part_set_divide(&other, 4);
    part_set_add(&set, part(1, 3, 0));
    part_set_add(&other, part(1, 3, 7));
    part_set_add(&other, slot_whole(2));
    part_set_add(&other, part(3, 3, 1));
    part_set_add(&other, slot_whole(5));
    part_set_add_set(&set, &other);
    for (unsigned number = 0; number < 8; number++) {
        assert_int_equal(part_set_has(&set, part(1, 3, number)), number == 0 || number == 7);
        assert_true(part_set_has(&set, part(2, 3, number)));
        assert_true(part_set_has(&set, part(3, 3, number)));
        assert_false(part_set_has(&set, part(4, 3, number)));
        assert_true(part_set_has(&set, part(5, 3, number)));
    }
    struct part_set taken = part_set_take(&set);
    assert_false(part_set_has(&set, slot_whole(1)));
    assert_true(part_set_has(&taken, part(1, 3, 7)));
    part_set_clear(&taken);
    part_set_clear(&other);
}

/* A watch notes the key's part of a slot that it divides. */
static void test_a_watch_notes_parts(void **state) {
    (void)state;
    struct slot_watch watch = {.changed = {.parts = NULL}};
    struct bytes key = BYTES_LITERAL("{7}key");
    unsigned number = (unsigned)slot_part_number(slot_part_hash(key), 5);
    part_set_divide(&watch.changed, 7);
    slot_watch_touch(&watch, 7, key);
    slot_watch_touch(&watch, 9, key);
    for (unsigned other = 0; other < 32; other++) {
        assert_int_equal(part_set_has(&watch.changed, part(7, 5, other)), other == number);
        assert_true(part_set_has(&watch.changed, part(9, 5, other)));
    }
    slot_watch_touch_slot(&watch, 7);
    assert_true(part_set_has(&watch.changed, part(7, 5, number ^ 1)));
    slot_watch_touch(NULL, 7, key);
    slot_watch_touch_slot(NULL, 7);
    part_set_clear(&watch.changed);
}

RUN_TESTS_OR_PLANT(cmocka_unit_test(test_the_hash_of_parts), cmocka_unit_test(test_slots),
                   cmocka_unit_test(test_parts), cmocka_unit_test(test_adding_a_set),
                   cmocka_unit_test(test_a_watch_notes_parts))
