/* What goes from a keyspace is freed some elements at a time, counted in elements and not in time;
 * what is small goes at once, and nothing is lost or freed twice (the sanitizer sees to that). */
#include "unit.h"

#include "keyspace/edit.h"
#include "keyspace/record/remains.h"
#include "keyspace/value/hash_value.h"

enum { FIELDS = 20000, KEYS = 5000, A_TURN = 500, SAVED_BYTES_MAXIMUM = 64 * 1024 * 1024 };

struct world {
    struct keyspace *keyspace;
    struct remains *remains;
};

static struct world started(void) {
    struct world world = {.keyspace = keyspace_new(1), .remains = remains_new()};
    keyspace_leave_to(world.keyspace, world.remains);
    return world;
}

static void ended(struct world *world) {
    keyspace_free(world->keyspace);
    remains_free(world->remains);
}

static struct hash_value *hash_of(unsigned field_count) {
    struct hash_value *hash = hash_value_new();
    for (unsigned field = 0; field < field_count; field++) {
        char text[32];
        int length = snprintf(text, sizeof text, "field:%u", field);
        hash_value_set(hash, bytes_of(text, (size_t)length), bytes_of(text, 5), 7);
    }
    return hash;
}

static size_t put_hash(const struct world *world, const char *key, unsigned field_count) {
    struct hash_value *hash = hash_of(field_count);
    keyspace_put_object(world->keyspace, bytes_of_text(key), VALUE_HASH, hash, 0);
    return hash_value_memory_bytes(hash);
}

static unsigned turns_to_free_all(struct remains *remains) {
    unsigned turns = 1;
    while (remains_free_some(remains, A_TURN))
        turns++;
    assert_true(remains_is_empty(remains));
    assert_int_equal(remains_key_count(remains), 0);
    assert_int_equal(remains_bytes(remains), 0);
    return turns;
}

/* So many elements take so many turns, and some more for the buckets. */
static void expect_turns(struct remains *remains, unsigned elements) {
    unsigned turns = turns_to_free_all(remains);
    assert_in_range(turns, elements / A_TURN, 5 * elements / A_TURN + 1);
}

static void delete_it(struct keyspace *keyspace) {
    assert_true(keyspace_delete(keyspace, BYTES_LITERAL("large")));
}

static void set_over_it(struct keyspace *keyspace) {
    keyspace_put_string(keyspace, BYTES_LITERAL("large"), BYTES_LITERAL("x"), STRING_EMBSTR, 0);
}

static void rename_over_it(struct keyspace *keyspace) {
    keyspace_put_object(keyspace, BYTES_LITERAL("other"), VALUE_HASH, hash_of(1), 0);
    keyspace_rename(keyspace, BYTES_LITERAL("other"), BYTES_LITERAL("large"));
}

static void clear_all(struct keyspace *keyspace) { keyspace_clear(keyspace); }

/* However a large hash goes: nobody counts it any more, and turn by turn its memory is freed. */
static void test_a_large_hash_goes_bit_by_bit(void **state) {
    (void)state;
    void (*const ways[])(struct keyspace *) = {delete_it, set_over_it, rename_over_it, clear_all};
    for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct world world = started();
        size_t bytes = put_hash(&world, "large", FIELDS);
        assert_true(bytes > (size_t)FIELDS * 32);
        ways[i](world.keyspace);
        assert_true(keyspace_memory_bytes(world.keyspace) < 30000);
        assert_int_equal(remains_key_count(world.remains), 1);
        assert_in_range(remains_bytes(world.remains), bytes, bytes + 64);
        expect_turns(world.remains, FIELDS);
        ended(&world);
    }
}

/* One in the middle of growing has two arrays of buckets. */
static void test_a_hash_that_grows_goes_bit_by_bit(void **state) {
    (void)state;
    struct world world = started();
    put_hash(&world, "large", 16384 + 100);
    delete_it(world.keyspace);
    expect_turns(world.remains, 16384 + 100);
    ended(&world);
}

/* What is no larger than this is not worth the wait. */
static void test_a_small_hash_goes_at_once(void **state) {
    (void)state;
    struct world world = started();
    assert_in_range(put_hash(&world, "large", 1000), 32000, REMAINS_OBJECT_BYTES);
    delete_it(world.keyspace);
    assert_true(remains_is_empty(world.remains));
    ended(&world);
}

static void fill(const struct world *world, bool is_one_slot) {
    for (unsigned i = 0; i < KEYS; i++) {
        char name[32];
        snprintf(name, sizeof name, is_one_slot ? "{one}%u" : "%u", i);
        if (i % 10 == 0)
            put_hash(world, name, 1 + i % 40);
        else
            keyspace_put_string(world->keyspace, bytes_of_text(name), bytes_of_text(name),
                                STRING_EMBSTR, 1000);
    }
}

/* The keys are gone at once, and others may come in their place while the old ones are freed. */
static void test_a_cleared_keyspace_goes_bit_by_bit(void **state) {
    (void)state;
    for (int is_one_slot = 0; is_one_slot < 2; is_one_slot++) {
        struct world world = started();
        uint64_t empty_bytes = keyspace_memory_bytes(world.keyspace);
        fill(&world, is_one_slot);
        put_hash(&world, "large", FIELDS);
        keyspace_clear(world.keyspace);
        assert_int_equal(keyspace_memory_bytes(world.keyspace), empty_bytes);
        assert_int_equal(keyspace_key_count(world.keyspace), 0);
        assert_int_equal(remains_key_count(world.remains), KEYS + 1);
        assert_true(remains_bytes(world.remains) > (uint64_t)FIELDS * 32);
        fill(&world, is_one_slot);
        uint64_t hash = keyspace_hash(world.keyspace);
        expect_turns(world.remains, KEYS + KEYS / 10 * 20 + FIELDS);
        assert_int_equal(keyspace_key_count(world.keyspace), KEYS);
        assert_true(keyspace_hash(world.keyspace) == hash);
        ended(&world);
    }
}

/* No turn frees much more than it was told to, also where few buckets hold many hashes. */
static void test_a_turn_frees_no_more_than_it_may(void **state) {
    (void)state;
    struct world world = started();
    for (unsigned i = 0; i < 50; i++) {
        char name[32];
        snprintf(name, sizeof name, "{one}%u", i);
        put_hash(&world, name, 1000);
    }
    keyspace_clear(world.keyspace);
    for (bool has_more = true; has_more;) {
        uint64_t before = remains_key_count(world.remains);
        has_more = remains_free_some(world.remains, A_TURN);
        assert_in_range(before - remains_key_count(world.remains), 0, 1);
    }
    ended(&world);
}

/* The keyspace goes, and with it all that it holds: bit by bit as well. */
static void test_a_keyspace_that_goes(void **state) {
    (void)state;
    struct world world = started();
    fill(&world, false);
    keyspace_free(world.keyspace);
    assert_int_equal(remains_key_count(world.remains), KEYS);
    expect_turns(world.remains, KEYS + KEYS / 10 * 20);
    remains_free(world.remains);
}

/* A hash that is deleted while a cut saves it stays until it is saved, whether the cut had begun to
 * walk through it or not, and goes as it is saved; what is left when the cut is given up goes bit
 * by bit. */
static void expect_gone_with_cut(bool has_begun, bool is_given_up) {
    struct world world = started();
    size_t bytes = put_hash(&world, "large", FIELDS);
    struct part_set all = {.parts = NULL};
    part_set_add_all(&all);
    keyspace_cut(world.keyspace, &all);
    struct slot_part slot = slot_whole(slot_of_key(BYTES_LITERAL("large")));
    struct buffer saved;
    uint64_t hash = 0, hash_before = keyspace_hash(world.keyspace);
    buffer_init(&saved, SAVED_BYTES_MAXIMUM);
    for (int turn = 0; has_begun && turn < 3; turn++)
        assert_true(keyspace_save_cut(world.keyspace, slot, 1000, SIZE_MAX, &saved, &hash) ==
                    CUT_SAVED_SOME);
    delete_it(world.keyspace);
    while (remains_free_some(world.remains, A_TURN)) /* what was saved already */
        continue;
    assert_in_range(keyspace_cut_kept_bytes(world.keyspace), bytes / 2, bytes + 100);
    if (is_given_up) {
        keyspace_end_cut(world.keyspace);
        assert_int_equal(remains_key_count(world.remains), 1);
        expect_turns(world.remains, FIELDS / 2);
    } else {
        assert_true(keyspace_save_cut(world.keyspace, slot, SIZE_MAX, SIZE_MAX, &saved, &hash) ==
                    CUT_SAVED_ALL);
        assert_true(hash == hash_before);
        assert_int_equal(keyspace_cut_kept_bytes(world.keyspace), 0);
        assert_true(remains_is_empty(world.remains));
        keyspace_end_cut(world.keyspace);
    }
    buffer_release(&saved);
    ended(&world);
}

static void test_what_a_cut_saved_goes_bit_by_bit(void **state) {
    (void)state;
    for (int way = 0; way < 4; way++)
        expect_gone_with_cut(way & 1, way & 2);
}

/* Without a place for it all is freed at once. */
static void test_nobody_is_left_to(void **state) {
    (void)state;
    struct world world = {.keyspace = keyspace_new(1)};
    put_hash(&world, "large", FIELDS);
    delete_it(world.keyspace);
    fill(&world, true);
    keyspace_clear(world.keyspace);
    assert_int_equal(keyspace_key_count(world.keyspace), 0);
    ended(&world);
}

RUN_TESTS(cmocka_unit_test(test_a_large_hash_goes_bit_by_bit),
          cmocka_unit_test(test_a_hash_that_grows_goes_bit_by_bit),
          cmocka_unit_test(test_a_small_hash_goes_at_once),
          cmocka_unit_test(test_a_cleared_keyspace_goes_bit_by_bit),
          cmocka_unit_test(test_a_turn_frees_no_more_than_it_may),
          cmocka_unit_test(test_a_keyspace_that_goes),
          cmocka_unit_test(test_what_a_cut_saved_goes_bit_by_bit),
          cmocka_unit_test(test_nobody_is_left_to))
