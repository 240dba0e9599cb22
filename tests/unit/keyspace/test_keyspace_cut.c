/* A cut against a naive model: before it begins, each slot is saved while nothing changes; then it
 * is saved bit by bit between random changes of all kinds. What comes out must be the same: byte by
 * byte where the format has an order, and key by key where it has none. */
#include "unit.h"

#include "base/cursor.h"
#include "base/random.h"
#include "keyspace/cut.h"
#include "keyspace/edit.h"
#include "keyspace/scan.h"
#include "keyspace/value/hash_value.h"
#include "keyspace/value/memory_class.h"

enum {
    SMALL_SLOTS = 12,
    KEYS_OF_SMALL = 40,
    KEYS_OF_LARGE = 6000, /* more than are sorted by key */
    PART_BITS = 3,
    PARTS = 1 << PART_BITS,
    FIELDS_OF_LARGE = 4000,
    LONG_BYTES = SAVER_STRING_BYTES + SAVER_STRING_BYTES / 4,
    SAVED_BYTES_MAXIMUM = 64 * 1024 * 1024,
    ROUNDS = 24
};

/* Slots 0 .. SMALL_SLOTS-1 are small; then one of many keys, one with a few large hashes, and one
 * with a few long strings. */
enum { LARGE = SMALL_SLOTS, HASHES, STRINGS, SLOTS };

struct world {
    struct keyspace *keyspace;
    struct remains *remains; /* of it, freed some at a time as it changes */
    struct random random;
    slot_number slots[SLOTS];
    struct buffer saved[SLOTS]; /* the model */
    uint64_t hashes[SLOTS], bytes[SLOTS];
};

static unsigned below(struct world *world, unsigned limit) {
    return (unsigned)random_below(&world->random, limit);
}

static unsigned keys_of(unsigned at) {
    return at >= HASHES ? 3 : at == LARGE ? KEYS_OF_LARGE : KEYS_OF_SMALL;
}

static struct bytes key_name(char name[32], unsigned at, unsigned key) {
    return bytes_of(name, (size_t)snprintf(name, 32, "{%u}%u", at, key));
}

static struct hash_value *random_hash(struct world *world, unsigned field_count) {
    struct hash_value *hash = hash_value_new();
    for (unsigned i = 0; i < field_count; i++) {
        char text[32];
        struct bytes field = bytes_of(text, (size_t)snprintf(text, sizeof text, "field:%u", i));
        hash_value_set(hash, field, bytes_of(text, 1 + below(world, 6)), 7);
    }
    return hash;
}

/* Not too often too long for one piece by far. */
static void put_long_string(struct world *world, struct bytes key, uint64_t expiry_ms) {
    static uint8_t text[LONG_BYTES];
    for (unsigned i = 0; i < 100; i++)
        text[below(world, sizeof text)] ^= 1;
    size_t length = below(world, 4) ? LONG_BYTES - below(world, VALUE_SAVE_BYTES) : 1000;
    keyspace_put_string(world->keyspace, key, bytes_of(text, length), STRING_RAW, expiry_ms);
}

static void put_one(struct world *world, unsigned at, struct bytes key) {
    static const uint8_t text[200] = "what it holds";
    uint64_t expiry_ms = below(world, 4) ? 0 : 1 + below(world, 100);
    if (at == HASHES)
        keyspace_put_object(world->keyspace, key, VALUE_HASH, random_hash(world, FIELDS_OF_LARGE),
                            expiry_ms);
    else if (at == STRINGS)
        put_long_string(world, key, expiry_ms);
    else if (at != LARGE && below(world, 3) == 0)
        keyspace_put_object(world->keyspace, key, VALUE_HASH,
                            random_hash(world, 1 + below(world, 30)), expiry_ms);
    else
        keyspace_put_string(world->keyspace, key, bytes_of(text, below(world, sizeof text)),
                            STRING_RAW, expiry_ms);
}

static void change_hash(struct world *world, struct bytes key, const struct record *record) {
    const struct value_kind *kind = value_kind_of(VALUE_HASH);
    struct hash_value *hash = keyspace_object_to_change(world->keyspace, record);
    size_t before = kind->memory_bytes(hash);
    for (unsigned i = 0; i < 20; i++) {
        char text[32];
        int length = snprintf(text, sizeof text, "field:%u", below(world, FIELDS_OF_LARGE * 2));
        struct bytes field = bytes_of(text, (size_t)length);
        if (below(world, 3) == 0 && hash_value_count(hash) > 1)
            hash_value_remove(hash, field);
        else
            hash_value_set(hash, field, bytes_of(text, 1 + below(world, 6)), 7);
    }
    keyspace_object_changed(world->keyspace, key, before, kind->memory_bytes(hash));
}

static void change_in_place(struct world *world, struct bytes key, struct record *record) {
    if (below(world, 3) == 0) {
        keyspace_set_expiry(world->keyspace, record, below(world, 2) ? 0 : 1 + below(world, 100));
    } else if (record_type(record) == VALUE_HASH) {
        change_hash(world, key, record);
    } else {
        uint8_t byte = (uint8_t)below(world, 256);
        size_t offset = below(world, record_is_long_string(record) ? LONG_BYTES : 200);
        keyspace_write_string(world->keyspace, record, offset, bytes_of(&byte, 1));
    }
}

static void change(struct world *world) {
    char name[32], other_name[32];
    remains_free_some(world->remains, below(world, 100));
    unsigned at = below(world, 8) ? below(world, SLOTS) : LARGE;
    at = at == STRINGS && below(world, 16) ? LARGE : at; /* it takes long */
    struct bytes key = key_name(name, at, below(world, keys_of(at)));
    struct record *record = keyspace_find(world->keyspace, key);
    unsigned lot = below(world, at >= HASHES ? 24 : 8);
    bool is_of_same = at >= HASHES && (lot == 2 || lot == 3);
    unsigned other_at = is_of_same ? at : below(world, LARGE + 1);
    struct bytes other = key_name(other_name, other_at, below(world, keys_of(other_at)));
    if (record == NULL || lot == 0)
        put_one(world, at, key);
    else if (lot == 1)
        keyspace_delete(world->keyspace, key);
    else if (lot == 2 && !bytes_equal(key, other))
        keyspace_rename(world->keyspace, key, other);
    else if (lot == 3 && !bytes_equal(key, other))
        keyspace_copy(world->keyspace, key, other);
    else
        change_in_place(world, key, record);
}

static void add_hash(void *context, const struct record *record) {
    struct world *world = context;
    for (unsigned at = 0; at < SLOTS; at++)
        if (slot_of_key(record_key(record)) == world->slots[at]) {
            world->hashes[at] += record_hash(record);
            world->bytes[at] += record_memory_bytes(record);
        }
}

static struct part_set all_slots(const struct world *world) {
    struct part_set slots = {.parts = NULL};
    for (unsigned at = 0; at < SLOTS; at++)
        part_set_add(&slots, slot_whole(world->slots[at]));
    return slots;
}

/* What each slot holds now: its bytes, saved while nothing changes, and its hash; and it says
 * itself how much memory that is. */
static void note_model(struct world *world) {
    struct part_set slots = all_slots(world);
    memset(world->hashes, 0, sizeof world->hashes);
    memset(world->bytes, 0, sizeof world->bytes);
    keyspace_walk(world->keyspace, add_hash, world);
    keyspace_cut(world->keyspace, &slots);
    for (unsigned at = 0; at < SLOTS; at++) {
        uint64_t hash = 0;
        assert_int_equal(keyspace_slot_bytes(world->keyspace, world->slots[at]), world->bytes[at]);
        buffer_clear(&world->saved[at]);
        assert_true(keyspace_save_cut(world->keyspace, slot_whole(world->slots[at]), SIZE_MAX,
                                      SIZE_MAX, &world->saved[at], &hash) == CUT_SAVED_ALL);
        assert_true(hash == world->hashes[at]);
    }
    assert_int_equal(keyspace_cut_kept_bytes(world->keyspace), 0);
    keyspace_end_cut(world->keyspace);
}

static void expect_loads(const struct world *world, unsigned at, const struct buffer *saved) {
    struct keyspace *loaded = keyspace_new(5);
    assert_int_equal(keyspace_load(loaded, buffer_bytes(saved)), 0);
    assert_true(keyspace_load_is_complete(loaded));
    assert_true(keyspace_hash(loaded) == world->hashes[at]);
    keyspace_free(loaded);
}

static bool has_large_object(struct bytes saved) { return saved.length > CUT_OBJECT_BYTES; }

static void expect_saved(struct world *world, unsigned at, unsigned changes_a_turn) {
    struct buffer saved;
    uint64_t hash = 0;
    buffer_init(&saved, SAVED_BYTES_MAXIMUM);
    while (keyspace_save_cut(world->keyspace, slot_whole(world->slots[at]),
                             300 + below(world, 4000), SIZE_MAX, &saved, &hash) != CUT_SAVED_ALL) {
        if (changes_a_turn > 0 && below(world, 500) == 0)
            keyspace_clear(world->keyspace);
        for (unsigned i = 0; i < changes_a_turn; i++)
            change(world);
    }
    assert_true(hash == world->hashes[at]);
    expect_loads(world, at, &saved);
    struct bytes model = buffer_bytes(&world->saved[at]);
    if (at == LARGE || at == STRINGS || (at < LARGE && !has_large_object(model)))
        assert_true(bytes_equal(buffer_bytes(&saved), model));
    buffer_release(&saved);
}

static size_t kept_count(const struct world *world) {
    size_t count = 0;
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
        count += world->keyspace->cut->kept[slot].count;
    return count;
}

/* What is not saved yet goes over to the cut, and no record is looked at for that. */
static void clear_all(struct world *world) {
    size_t kept_before = kept_count(world);
    keyspace_clear(world->keyspace);
    assert_int_equal(kept_count(world), kept_before);
    assert_int_equal(keyspace_key_count(world->keyspace), 0);
    assert_int_equal(keyspace_expiring_count(world->keyspace), 0);
    for (unsigned i = 0; i < 20; i++)
        change(world);
}

static void save_a_bit(struct world *world, unsigned at) {
    struct buffer saved;
    uint64_t hash = 0;
    buffer_init(&saved, SAVED_BYTES_MAXIMUM);
    for (unsigned i = 0; i < 3; i++) {
        if (keyspace_save_cut(world->keyspace, slot_whole(world->slots[at]), 300, SIZE_MAX, &saved,
                              &hash) == CUT_SAVED_ALL)
            break;
        change(world);
    }
    buffer_release(&saved);
}

static void start(struct world *world, uint64_t seed) {
    *world = (struct world){.keyspace = keyspace_new(3), .remains = remains_new()};
    keyspace_leave_to(world->keyspace, world->remains);
    random_init(&world->random, seed);
    for (unsigned at = 0; at < SLOTS; at++) {
        char name[32];
        world->slots[at] = slot_of_key(key_name(name, at, 0));
        buffer_init(&world->saved[at], SAVED_BYTES_MAXIMUM);
        for (unsigned key = 0; key < keys_of(at); key++)
            put_one(world, at, key_name(name, at, key));
    }
}

static void end(struct world *world) {
    for (unsigned at = 0; at < SLOTS; at++)
        buffer_release(&world->saved[at]);
    keyspace_free(world->keyspace);
    remains_free(world->remains);
}

/* Some of it at a time, while keys go on changing. */
static void give_up(struct world *world) {
    while (keyspace_give_up_cut(world->keyspace, 1 + below(world, 3000))) {
        if (below(world, 200) == 0)
            keyspace_clear(world->keyspace);
        for (unsigned i = 0; i < 10; i++)
            change(world);
    }
    assert_int_equal(keyspace_cut_kept_bytes(world->keyspace), 0);
}

/* Slots are saved in any order, some of them not at all: then the cut is given up, which the next
 * one must not notice. At times everything is deleted meanwhile, between two slots or in the middle
 * of one, also twice. */
static void test_a_cut_is_of_one_moment(void **state) {
    (void)state;
    struct world world;
    start(&world, 1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        note_model(&world);
        struct part_set slots = all_slots(&world);
        keyspace_cut(world.keyspace, &slots);
        unsigned first = below(&world, SLOTS), count = below(&world, 3) ? SLOTS : below(&world, 9);
        for (unsigned i = 0; i < 300; i++)
            change(&world);
        for (unsigned i = 0; i < count; i++) {
            if (i == 7 && round % 10 == 9)
                clear_all(&world);
            expect_saved(&world, (first + i) % SLOTS, round % 2 ? 10 : 1);
        }
        assert_true(count < SLOTS || keyspace_cut_kept_bytes(world.keyspace) == 0);
        if (count < SLOTS && below(&world, 2)) /* given up in the middle of a slot */
            save_a_bit(&world, (first + count) % SLOTS);
        if (round % 6 == 5)
            keyspace_end_cut(world.keyspace);
        else
            give_up(&world);
    }
    end(&world);
}

/* Two fields of a large hash change: a few buckets are kept, not the hash, until it is deleted. */
static void test_a_change_to_a_large_hash_is_cheap(void **state) {
    (void)state;
    struct world world;
    start(&world, 2);
    char name[32];
    struct bytes key = key_name(name, HASHES, 0), text = BYTES_LITERAL("field:17");
    struct part_set slots = all_slots(&world);
    note_model(&world);
    keyspace_cut(world.keyspace, &slots);
    struct hash_value *hash =
        keyspace_object_to_change(world.keyspace, keyspace_find(world.keyspace, key));
    hash_value_set(hash, text, text, 7);
    hash_value_remove(hash, BYTES_LITERAL("field:18"));
    assert_true(hash == record_object(keyspace_find(world.keyspace, key)));
    uint64_t kept_bytes = keyspace_cut_kept_bytes(world.keyspace);
    uint64_t record_bytes_kept = memory_class(
        record_bytes(keyspace_find(world.keyspace, key))); /* the block that was copied */
    uint64_t hash_bytes = hash_value_memory_bytes(hash);
    assert_in_range(kept_bytes - record_bytes_kept, 64, hash_bytes / 20);
    keyspace_delete(world.keyspace, key); /* its fields go over to the cut */
    assert_null(keyspace_find(world.keyspace, key));
    kept_bytes = keyspace_cut_kept_bytes(world.keyspace) - record_bytes_kept;
    assert_in_range(kept_bytes, hash_bytes - 100, hash_bytes + 100);
    expect_saved(&world, HASHES, 0);
    keyspace_end_cut(world.keyspace);
    end(&world);
}

/* What goes over to the cut counts with what it holds: a large hash that is deleted, a small one
 * that is copied for the cut, one field that is kept of many. */
static void test_objects_that_are_kept_count(void **state) {
    (void)state;
    struct world world;
    start(&world, 4);
    char name[32];
    struct bytes large = key_name(name, HASHES, 0), text = BYTES_LITERAL("field:1");
    char small_name[32];
    struct bytes small = key_name(small_name, 0, 0);
    keyspace_put_object(world.keyspace, small, VALUE_HASH, random_hash(&world, 20), 0);
    uint64_t small_bytes =
        hash_value_memory_bytes(record_object(keyspace_find(world.keyspace, small)));
    uint64_t large_bytes =
        hash_value_memory_bytes(record_object(keyspace_find(world.keyspace, large)));
    struct part_set slots = all_slots(&world);
    note_model(&world);
    keyspace_cut(world.keyspace, &slots);
    struct hash_value *hash =
        keyspace_object_to_change(world.keyspace, keyspace_find(world.keyspace, small));
    hash_value_set(hash, text, text, 7);
    uint64_t kept_bytes = keyspace_cut_kept_bytes(world.keyspace);
    assert_in_range(kept_bytes, small_bytes, small_bytes + 100);
    keyspace_delete(world.keyspace, large);
    kept_bytes = keyspace_cut_kept_bytes(world.keyspace) - kept_bytes;
    assert_in_range(kept_bytes, large_bytes, large_bytes + 100);
    expect_saved(&world, 0, 0);
    expect_saved(&world, HASHES, 0);
    assert_int_equal(keyspace_cut_kept_bytes(world.keyspace), 0);
    keyspace_end_cut(world.keyspace);
    end(&world);
}

/* What is deleted is kept, and yet nothing has grown, until something else is put in its place. */
static void test_what_goes_has_not_grown(void **state) {
    (void)state;
    struct world world;
    start(&world, 11);
    char name[32];
    struct bytes key = key_name(name, HASHES, 0);
    uint64_t hash_bytes =
        hash_value_memory_bytes(record_object(keyspace_find(world.keyspace, key)));
    assert_int_equal(keyspace_cut_grown_bytes(world.keyspace), 0);
    struct part_set slots = all_slots(&world);
    keyspace_cut(world.keyspace, &slots);
    keyspace_delete(world.keyspace, key);
    assert_true(keyspace_cut_kept_bytes(world.keyspace) >= hash_bytes);
    assert_in_range(keyspace_cut_grown_bytes(world.keyspace), 0, 1000);
    put_one(&world, HASHES, key);
    assert_in_range(keyspace_cut_grown_bytes(world.keyspace), hash_bytes / 2, hash_bytes + 1000);
    for (unsigned i = 0; i < 3; i++) { /* new, but not because of the cut */
        char other[32];
        put_one(&world, HASHES, key_name(other, HASHES, 100 + i));
    }
    assert_int_equal(keyspace_cut_grown_bytes(world.keyspace),
                     keyspace_cut_kept_bytes(world.keyspace));
    keyspace_end_cut(world.keyspace);
    assert_int_equal(keyspace_cut_grown_bytes(world.keyspace), 0);
    end(&world);
}

/* No turn pays for a slot of many keys, nor for an object of many fields or a long string. */
static void test_every_turn_is_short(void **state) {
    (void)state;
    struct world world;
    start(&world, 3);
    struct part_set slots = all_slots(&world);
    keyspace_cut(world.keyspace, &slots);
    for (unsigned at = LARGE; at < SLOTS; at++) {
        struct buffer saved;
        uint64_t hash = 0;
        bool is_whole = false;
        buffer_init(&saved, SAVED_BYTES_MAXIMUM);
        unsigned turns = 0;
        for (; !is_whole; turns++) {
            size_t before = saved.length;
            is_whole = keyspace_save_cut(world.keyspace, slot_whole(world.slots[at]), 1000,
                                         SIZE_MAX, &saved, &hash) == CUT_SAVED_ALL;
            assert_in_range(saved.length - before, 0, 1000 + VALUE_SAVE_BYTES + 1000);
        }
        assert_true(turns > (at == LARGE ? 100 : 4));
        assert_true(saved.length < 20 * SAVER_BLOCK_BYTES || turns > 20);
        buffer_release(&saved);
    }
    keyspace_end_cut(world.keyspace);
    end(&world);
}

enum { STEPS_A_TURN = 100 };

static unsigned turns_to_give_up(struct world *world) {
    unsigned turns = 1;
    while (keyspace_give_up_cut(world->keyspace, STEPS_A_TURN * CUT_STEP_BYTES))
        turns++;
    return turns;
}

/* Nor does one for a cut that is given up: for what it has gathered, nor for what it keeps, nor for
 * the marks of a slot of many keys, of which one was turned. What nobody touched is not gone
 * through. */
static void test_it_is_given_up_in_short_turns(void **state) {
    (void)state;
    struct world world;
    char name[32];
    start(&world, 8);
    struct part_set slots = all_slots(&world);
    keyspace_cut(world.keyspace, &slots);
    assert_int_equal(turns_to_give_up(&world), 1);
    slots = all_slots(&world);
    keyspace_cut(world.keyspace, &slots);
    keyspace_delete(world.keyspace, key_name(name, LARGE, 0));
    assert_in_range(turns_to_give_up(&world), KEYS_OF_LARGE / 2 / STEPS_A_TURN, KEYS_OF_LARGE);
    slots = all_slots(&world);
    keyspace_cut(world.keyspace, &slots);
    for (unsigned key = 1; key < KEYS_OF_LARGE; key++)
        keyspace_delete(world.keyspace, key_name(name, LARGE, key));
    assert_in_range(turns_to_give_up(&world), KEYS_OF_LARGE / STEPS_A_TURN, KEYS_OF_LARGE);
    for (unsigned key = 0; key < KEYS_OF_LARGE; key++)
        put_one(&world, LARGE, key_name(name, LARGE, key));
    slots = all_slots(&world);
    keyspace_cut(world.keyspace, &slots);
    struct buffer saved;
    uint64_t hash = 0;
    buffer_init(&saved, SAVED_BYTES_MAXIMUM);
    while (saved.length == 0) /* all is gathered before the first is saved */
        assert_true(keyspace_save_cut(world.keyspace, slot_whole(world.slots[LARGE]), 100, SIZE_MAX,
                                      &saved, &hash) == CUT_SAVED_SOME);
    buffer_release(&saved);
    unsigned least = (KEYS_OF_LARGE + KEYS_OF_LARGE / 2) / STEPS_A_TURN; /* and the buckets */
    assert_in_range(turns_to_give_up(&world), least, KEYS_OF_LARGE);
    end(&world);
}

/* A long string goes, or grows, when some of its pieces are saved, or before: the cut holds its
 * block until the last piece. */
static void test_a_long_string_is_of_one_moment(void **state) {
    (void)state;
    for (unsigned turns_before = 0; turns_before < 4; turns_before++) {
        struct world world;
        start(&world, 8);
        char name[32];
        struct bytes key = key_name(name, STRINGS, 0);
        put_long_string(&world, key, 7);
        keyspace_put_string(world.keyspace, key_name(name, STRINGS, 1), key, STRING_RAW, 0);
        key = key_name(name, STRINGS, 0);
        static uint8_t text[LONG_BYTES + 5];
        memset(text, 'z', sizeof text);
        keyspace_write_string(world.keyspace, keyspace_find(world.keyspace, key), LONG_BYTES - 1,
                              bytes_of(text, 1));
        note_model(&world);
        struct part_set slots = all_slots(&world);
        keyspace_cut(world.keyspace, &slots);
        struct slot_part slot = slot_whole(world.slots[STRINGS]);
        struct buffer saved;
        uint64_t hash = 0;
        buffer_init(&saved, SAVED_BYTES_MAXIMUM);
        for (unsigned i = 0; i < turns_before; i++)
            assert_true(keyspace_save_cut(world.keyspace, slot, 1000, SIZE_MAX, &saved, &hash) ==
                        CUT_SAVED_SOME);
        struct record *record = keyspace_find(world.keyspace, key);
        record = keyspace_write_string(world.keyspace, record, LONG_BYTES / 2, bytes_of(text, 1));
        assert_in_range(keyspace_cut_kept_bytes(world.keyspace), LONG_STRING_PIECE_BYTES,
                        LONG_STRING_PIECE_BYTES + 200); /* the rest is shared */
        keyspace_write_string(world.keyspace, record, 0, bytes_of(text, sizeof text));
        assert_in_range(keyspace_cut_kept_bytes(world.keyspace), LONG_BYTES, 2 * LONG_BYTES);
        assert_true(keyspace_delete(world.keyspace, key));
        assert_true(keyspace_save_cut(world.keyspace, slot, SIZE_MAX, SIZE_MAX, &saved, &hash) ==
                    CUT_SAVED_ALL);
        assert_true(hash == world.hashes[STRINGS]);
        assert_true(bytes_equal(buffer_bytes(&saved), buffer_bytes(&world.saved[STRINGS])));
        assert_int_equal(keyspace_cut_kept_bytes(world.keyspace), 0);
        keyspace_end_cut(world.keyspace);
        buffer_release(&saved);
        end(&world);
    }
}

/* Every key that expires is one of the large slot. */
static void expect_expiring(const struct world *world, size_t count) {
    char name[32];
    struct buffer collected;
    buffer_init(&collected, SAVED_BYTES_MAXIMUM);
    assert_int_equal(keyspace_collect_expired(world->keyspace, UINT64_MAX, SIZE_MAX, &collected),
                     count);
    struct cursor in = cursor_of(buffer_bytes(&collected));
    struct bytes prefix = key_name(name, LARGE, 0);
    while (cursor_left(&in) > 0) {
        struct bytes key = cursor_length_prefixed(&in, SIZE_MAX);
        assert_memory_equal(key.data, prefix.data, prefix.length - 1);
    }
    buffer_release(&collected);
}

/* All keys are deleted twice, with others in between, before any is saved: what the cut wants is
 * what was there first, also a large hash that would expire; what expires now is not touched. */
static void test_all_keys_go_before_they_are_saved(void **state) {
    (void)state;
    struct world world;
    start(&world, 9);
    char name[32];
    keyspace_put_object(world.keyspace, key_name(name, HASHES, 0), VALUE_HASH,
                        random_hash(&world, FIELDS_OF_LARGE), 50);
    note_model(&world);
    struct part_set slots = all_slots(&world);
    keyspace_cut(world.keyspace, &slots);
    for (unsigned time = 0; time < 2; time++) {
        clear_all(&world);
        for (unsigned key = 0; key < KEYS_OF_LARGE; key++)
            put_one(&world, LARGE, key_name(name, LARGE, key));
    }
    keyspace_clear(world.keyspace);
    for (unsigned key = 0; key < KEYS_OF_LARGE; key++)
        keyspace_put_string(world.keyspace, key_name(name, LARGE, key), BYTES_NONE, STRING_RAW, 7);
    expect_expiring(&world, KEYS_OF_LARGE);
    for (unsigned at = 0; at < SLOTS; at++)
        expect_saved(&world, at, 0);
    expect_expiring(&world, KEYS_OF_LARGE);
    assert_int_equal(keyspace_cut_kept_bytes(world.keyspace), 0);
    keyspace_end_cut(world.keyspace);
    end(&world);
}

/* ---- parts ---- */

struct parts_world {
    struct world world;
    uint64_t hashes[PARTS]; /* the model: of the large slot, by part */
    struct slot_part parts[PARTS];
};

static unsigned part_of(const struct record *record) {
    return (unsigned)slot_part_number(slot_part_hash(record_key(record)), PART_BITS);
}

static void add_part_hash(void *context, const struct record *record) {
    struct parts_world *world = context;
    if (slot_of_key(record_key(record)) == world->world.slots[LARGE])
        world->hashes[part_of(record)] += record_hash(record);
}

static void start_parts(struct parts_world *world, uint64_t seed) {
    start(&world->world, seed);
    for (unsigned number = 0; number < PARTS; number++)
        world->parts[number] = (struct slot_part){
            .slot = world->world.slots[LARGE], .bits = PART_BITS, .number = (uint16_t)number};
}

/* Adds or deletes so many keys of the large slot in a row, so that its table grows or shrinks. */
static void grow_or_shrink(struct world *world, unsigned count, bool is_growing) {
    static unsigned next; /* goes around over all rounds */
    for (unsigned i = 0; i < count; i++) {
        char name[32];
        struct bytes key = key_name(name, LARGE, next++ % (2 * KEYS_OF_LARGE));
        if (is_growing)
            keyspace_put_string(world->keyspace, key, key, STRING_RAW, 0);
        else
            keyspace_delete(world->keyspace, key);
    }
}

static void expect_keys_of_part(void *context, const struct record *record) {
    const struct slot_part *part = context;
    assert_int_equal(slot_of_key(record_key(record)), part->slot);
    assert_int_equal(part_of(record), part->number);
}

/* What is saved is the part as it was at the cut, and nothing else. */
static void expect_part(struct parts_world *world, struct slot_part part, unsigned round) {
    struct buffer saved;
    uint64_t hash = 0;
    buffer_init(&saved, SAVED_BYTES_MAXIMUM);
    while (keyspace_save_cut(world->world.keyspace, part, 300 + below(&world->world, 4000),
                             SIZE_MAX, &saved, &hash) != CUT_SAVED_ALL) {
        grow_or_shrink(&world->world, 150, round % 2);
        for (unsigned i = 0; i < 5; i++)
            change(&world->world);
    }
    assert_true(hash == world->hashes[part.number]);
    struct keyspace *loaded = keyspace_new(5);
    assert_int_equal(keyspace_load(loaded, buffer_bytes(&saved)), 0);
    assert_true(keyspace_hash(loaded) == hash);
    keyspace_walk(loaded, expect_keys_of_part, &part);
    keyspace_free(loaded);
    buffer_release(&saved);
}

/* Some parts of a slot are saved while the slot changes, grows and shrinks; the others are not
 * kept, and a later cut of the whole slot does not notice. */
static void test_parts_of_a_slot_are_saved_alone(void **state) {
    (void)state;
    struct parts_world world;
    start_parts(&world, 6);
    for (unsigned round = 0; round < ROUNDS; round++) {
        note_model(&world.world);
        memset(world.hashes, 0, sizeof world.hashes);
        keyspace_walk(world.world.keyspace, add_part_hash, &world);
        struct part_set wanted = {.parts = NULL};
        unsigned chosen = 1 + below(&world.world, (1 << PARTS) - 1);
        part_set_divide(&wanted, world.world.slots[LARGE]);
        for (unsigned number = 0; number < PARTS; number++)
            if (chosen >> number & 1)
                part_set_add(&wanted, world.parts[number]);
        keyspace_cut(world.world.keyspace, &wanted);
        unsigned left = round % 5 == 4 ? 1 : PARTS; /* at times it is given up */
        for (unsigned i = 0; i < 300; i++)
            change(&world.world);
        for (unsigned number = 0; number < PARTS && left > 0; number++) {
            if (!(chosen >> number & 1))
                continue;
            expect_part(&world, world.parts[number], round);
            left--;
        }
        assert_true(left == 0 || keyspace_cut_kept_bytes(world.world.keyspace) == 0);
        give_up(&world.world);
    }
    end(&world.world);
}

/* What belongs to a part that is not wanted is not held twice when it changes. */
static void test_a_part_that_is_not_wanted_is_not_kept(void **state) {
    (void)state;
    struct parts_world world;
    start_parts(&world, 7);
    struct part_set wanted = {.parts = NULL};
    part_set_divide(&wanted, world.world.slots[LARGE]);
    part_set_add(&wanted, world.parts[5]);
    keyspace_cut(world.world.keyspace, &wanted);
    uint64_t in_part_bytes = 0;
    for (unsigned i = 0; i < KEYS_OF_LARGE; i++) {
        char name[32];
        struct bytes key = key_name(name, LARGE, i);
        const struct record *record = keyspace_find(world.world.keyspace, key);
        if (part_of(record) == 5)
            in_part_bytes += memory_class(record_bytes(record));
        keyspace_delete(world.world.keyspace, key);
    }
    assert_true(in_part_bytes > 0);
    assert_int_equal(keyspace_cut_kept_bytes(world.world.keyspace), in_part_bytes);
    keyspace_end_cut(world.world.keyspace);
    end(&world.world);
}

RUN_TESTS(cmocka_unit_test(test_parts_of_a_slot_are_saved_alone),
          cmocka_unit_test(test_a_part_that_is_not_wanted_is_not_kept),
          cmocka_unit_test(test_a_cut_is_of_one_moment),
          cmocka_unit_test(test_objects_that_are_kept_count),
          cmocka_unit_test(test_a_change_to_a_large_hash_is_cheap),
          cmocka_unit_test(test_what_goes_has_not_grown),
          cmocka_unit_test(test_a_long_string_is_of_one_moment),
          cmocka_unit_test(test_all_keys_go_before_they_are_saved),
          cmocka_unit_test(test_every_turn_is_short),
          cmocka_unit_test(test_it_is_given_up_in_short_turns))
