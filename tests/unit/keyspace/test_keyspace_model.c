/* A keyspace against a naive model that does everything by looking at all of a small array: random
 * changes of all kinds, through growing and shrinking, with strings, hashes and expiries. */
#include "unit.h"

#include "base/random.h"
#include "keyspace/edit.h"
#include "keyspace/private.h"
#include "keyspace/scan.h"
#include "keyspace/value/hash_value.h"
#include "keyspace/value/memory_class.h"

enum { MODEL_KEYS = 600, STEPS = 60000, VALUE_BYTES = 300, COLLECTED_BYTES = 1024 * 1024 };

struct model_key {
    bool exists, is_hash;
    uint8_t letter; /* a string is `length` such letters; a hash has one field, "f", with it */
    size_t length;
    uint64_t expiry_ms;
};

struct world {
    struct keyspace *keyspace;
    struct model_key model[MODEL_KEYS];
    struct random random;
};

/* A third of the keys share one slot, so that its table grows; the rest are strewn. */
static struct bytes key_name(char name[32], unsigned key) {
    int length = snprintf(name, 32, key % 3 ? "key:%u" : "{one}%u", key);
    return bytes_of(name, (size_t)length);
}

static struct bytes letters(uint8_t text[VALUE_BYTES], uint8_t letter, size_t length) {
    memset(text, letter, VALUE_BYTES);
    return bytes_of(text, length);
}

static void put_string(struct world *world, unsigned key) {
    char name[32];
    uint8_t text[VALUE_BYTES];
    struct model_key put = {.exists = true,
                            .letter = (uint8_t)('a' + random_below(&world->random, 26)),
                            .length = (size_t)random_below(&world->random, VALUE_BYTES)};
    if (random_chance(&world->random, 0.3))
        put.expiry_ms = 1 + random_below(&world->random, 1000);
    keyspace_put_string(world->keyspace, key_name(name, key), letters(text, put.letter, put.length),
                        STRING_RAW, put.expiry_ms);
    world->model[key] = put;
}

static void put_hash(struct world *world, unsigned key) {
    char name[32];
    uint8_t letter = (uint8_t)('a' + random_below(&world->random, 26));
    struct hash_value *hash = hash_value_new();
    hash_value_set(hash, BYTES_LITERAL("f"), bytes_of(&letter, 1), 1);
    uint64_t expiry_ms = random_below(&world->random, 4) ? 0 : 500;
    keyspace_put_object(world->keyspace, key_name(name, key), VALUE_HASH, hash, expiry_ms);
    world->model[key] = (struct model_key){true, true, letter, 1, expiry_ms};
}

static void remove_key(struct world *world, unsigned key) {
    char name[32];
    assert_int_equal(keyspace_delete(world->keyspace, key_name(name, key)),
                     world->model[key].exists);
    world->model[key].exists = false;
}

static void change_expiry(struct world *world, unsigned key) {
    char name[32];
    struct record *record = keyspace_find(world->keyspace, key_name(name, key));
    assert_int_equal(record != NULL, world->model[key].exists);
    if (record == NULL)
        return;
    uint64_t expiry_ms =
        random_chance(&world->random, 0.3) ? 0 : 1 + random_below(&world->random, 1000);
    record = keyspace_set_expiry(world->keyspace, record, expiry_ms);
    assert_int_equal(record_expiry_ms(record), expiry_ms);
    world->model[key].expiry_ms = expiry_ms;
}

static void lengthen_string(struct world *world, unsigned key) {
    char name[32];
    struct model_key *model = &world->model[key];
    if (!model->exists || model->is_hash)
        return;
    struct record *record = keyspace_find(world->keyspace, key_name(name, key));
    uint8_t text[VALUE_BYTES];
    size_t length = (size_t)random_below(&world->random, VALUE_BYTES);
    if (length <= model->length)
        return;
    record = keyspace_write_string(world->keyspace, record, length, BYTES_NONE);
    for (size_t at = model->length; at < length; at++)
        assert_int_equal(record_string(record).data[at], 0);
    struct bytes added = letters(text, model->letter, length - model->length);
    keyspace_write_string(world->keyspace, record, model->length, added);
    model->length = length;
}

static void rename_or_copy(struct world *world, unsigned key) {
    char from[32], to[32];
    unsigned other = (unsigned)random_below(&world->random, MODEL_KEYS);
    if (!world->model[key].exists || other == key)
        return;
    bool is_rename = random_chance(&world->random, 0.5);
    (is_rename ? keyspace_rename : keyspace_copy)(world->keyspace, key_name(from, key),
                                                  key_name(to, other));
    world->model[other] = world->model[key];
    if (is_rename)
        world->model[key].exists = false;
}

static void step(struct world *world, double put_chance) {
    unsigned key = (unsigned)random_below(&world->random, MODEL_KEYS);
    if (!random_chance(&world->random, put_chance)) {
        remove_key(world, key);
        return;
    }
    switch (random_below(&world->random, 6)) {
    case 0:
    case 1:
        put_string(world, key);
        return;
    case 2:
        put_hash(world, key);
        return;
    case 3:
        change_expiry(world, key);
        return;
    case 4:
        lengthen_string(world, key);
        return;
    default:
        rename_or_copy(world, key);
        return;
    }
}

static void expect_key(const struct world *world, unsigned key) {
    char name[32];
    uint8_t text[VALUE_BYTES];
    const struct model_key *model = &world->model[key];
    const struct record *record = keyspace_find(world->keyspace, key_name(name, key));
    assert_int_equal(record != NULL, model->exists);
    if (record == NULL)
        return;
    struct bytes value = BYTES_NONE;
    assert_int_equal(record_type(record), model->is_hash ? VALUE_HASH : VALUE_STRING);
    assert_int_equal(record_expiry_ms(record), model->expiry_ms);
    if (model->is_hash)
        assert_true(hash_value_get(record_object(record), BYTES_LITERAL("f"), &value));
    else
        value = record_string(record);
    assert_true(bytes_equal(value, letters(text, model->letter, model->length)));
}

struct held {
    size_t bytes, slots[SLOT_COUNT];
};

static void add_memory(void *context, const struct record *record) {
    struct held *held = context;
    size_t bytes = memory_class(record_bytes(record));
    if (record_is_object(record))
        bytes += hash_value_memory_bytes(record_object(record));
    held->bytes += bytes;
    held->slots[slot_of_key(record_key(record))] += bytes;
}

static size_t table_memory_bytes(const struct keyspace *keyspace) {
    size_t bytes = 0;
    for (unsigned page = 0; page < KEYSPACE_PAGE_COUNT; page++)
        bytes += keyspace->pages[page] ? memory_class(sizeof(struct keyspace_page)) : 0;
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        const struct slot_table *table = keyspace_slot_table(keyspace, slot);
        if (table && table->buckets)
            bytes += memory_class(sizeof(struct record *) << table->bits);
        if (table && table->old_buckets)
            bytes += memory_class(sizeof(struct record *) << table->old_bits);
    }
    return bytes;
}

/* Counts, every key, the expired ones at some time, and the memory of all that is held. */
static void expect_equal(const struct world *world, uint64_t now_ms) {
    uint64_t count = 0, expiring_count = 0, due_count = 0;
    for (unsigned key = 0; key < MODEL_KEYS; key++) {
        const struct model_key *model = &world->model[key];
        expect_key(world, key);
        count += model->exists;
        expiring_count += model->exists && model->expiry_ms;
        due_count += model->exists && model->expiry_ms && model->expiry_ms <= now_ms;
    }
    assert_int_equal(keyspace_key_count(world->keyspace), count);
    assert_int_equal(keyspace_expiring_count(world->keyspace), expiring_count);
    struct buffer collected;
    buffer_init(&collected, COLLECTED_BYTES);
    assert_int_equal(keyspace_collect_expired(world->keyspace, now_ms, SIZE_MAX, &collected),
                     due_count);
    assert_int_equal(keyspace_collect_expired(world->keyspace, now_ms, 3, &collected),
                     due_count < 3 ? due_count : 3);
    buffer_release(&collected);
    static struct held held;
    held = (struct held){.bytes = table_memory_bytes(world->keyspace)};
    keyspace_walk(world->keyspace, add_memory, &held);
    assert_int_equal(world->keyspace->memory_bytes, held.bytes);
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++)
        assert_int_equal(keyspace_slot_bytes(world->keyspace, (slot_number)slot), held.slots[slot]);
}

/* The keyspace fills, lives, empties and fills again, and agrees with the model all along; when the
 * last key is gone it takes what an empty one takes. */
static void test_agrees_with_the_model(void **state) {
    (void)state;
    struct world world = {.keyspace = keyspace_new(7)};
    random_init(&world.random, 42);
    uint64_t empty_bytes = keyspace_memory_bytes(world.keyspace);
    for (int at = 0; at < STEPS; at++) {
        double put_chance = at / 5000 % 3 == 2 ? 0.2 : 0.8;
        step(&world, put_chance);
        if (at % 500 == 0)
            expect_equal(&world, random_below(&world.random, 1100));
    }
    for (unsigned key = 0; key < MODEL_KEYS; key++)
        remove_key(&world, key);
    expect_equal(&world, 500);
    assert_int_equal(keyspace_expiring_count(world.keyspace), 0);
    assert_true(keyspace_memory_bytes(world.keyspace) <= empty_bytes + 3 * 4096 + 64);
    keyspace_clear(world.keyspace);
    assert_int_equal(keyspace_memory_bytes(world.keyspace), empty_bytes);
    keyspace_free(world.keyspace);
}

/* What a group of commands does with some keys, told before what comes or not. */
static void change_group(struct world *world, struct keyspace *keyspace, bool is_expected) {
    enum { GROUP_KEYS = KEYSPACE_EXPECTED_MAXIMUM + 8 };
    char names[GROUP_KEYS][32];
    struct bytes keys[GROUP_KEYS];
    struct expected_keys expected;
    for (unsigned at = 0; at < GROUP_KEYS; at++)
        keys[at] = key_name(names[at], (unsigned)random_below(&world->random, MODEL_KEYS));
    if (is_expected)
        keyspace_expect(keyspace, &expected, keys, random_below(&world->random, GROUP_KEYS + 1));
    else
        random_below(&world->random, GROUP_KEYS + 1);
    for (unsigned step = 0; step < 2 * GROUP_KEYS; step++) {
        unsigned at = (step + (unsigned)random_below(&world->random, 3)) % GROUP_KEYS;
        bool is_put = random_chance(&world->random, 0.6);
        struct bytes beginning = bytes_of(keys[at].data, keys[at].length / 2);
        if (is_put)
            keyspace_put_string(keyspace, keys[at], keys[step % GROUP_KEYS], STRING_RAW, 0);
        else
            keyspace_delete(keyspace, keys[at]);
        assert_int_equal(keyspace_find(keyspace, keys[at]) != NULL, is_put);
        /* Another key, where one is expected; looked for from elsewhere. */
        keyspace_put_string(keyspace, beginning, BYTES_NONE, STRING_RAW, 0);
        char elsewhere[32];
        memcpy(elsewhere, beginning.data, beginning.length);
        assert_true(keyspace_delete(keyspace, bytes_of(elsewhere, beginning.length)));
    }
    if (is_expected)
        keyspace_expect_none(keyspace);
}

/* Some keys, in both keyspaces by turns; more than are taken. */
static void fetch_from_both(struct world worlds[2], int group) {
    struct keyspace_hint hints[KEYSPACE_EXPECTED_MAXIMUM + 8];
    char names[KEYSPACE_EXPECTED_MAXIMUM + 8][32];
    const size_t count = sizeof hints / sizeof *hints;
    for (unsigned i = 0; i < count; i++)
        hints[i] = (struct keyspace_hint){
            worlds[i % 2].keyspace,
            key_name(names[i], (i * 31 + (unsigned)group * 7) % (2 * MODEL_KEYS))};
    keyspace_fetch(hints, (size_t)group % count + 1);
}

/* Two keyspaces go through the same changes; one of them is always told beforehand which keys come,
 * some of which do not, some twice, some out of turn, and some of which are there. */
static void test_expecting_keys_changes_nothing(void **state) {
    (void)state;
    struct world worlds[2];
    for (int i = 0; i < 2; i++) {
        random_init(&worlds[i].random, 9);
        worlds[i].keyspace = keyspace_new(7);
    }
    for (int group = 0; group < 500; group++) {
        for (int i = 0; i < 2; i++)
            change_group(&worlds[i], worlds[i].keyspace, i == 1);
        fetch_from_both(worlds, group);
        assert_int_equal(keyspace_hash(worlds[0].keyspace), keyspace_hash(worlds[1].keyspace));
    }
    assert_int_not_equal(keyspace_key_count(worlds[0].keyspace), 0);
    for (int i = 0; i < 2; i++)
        keyspace_free(worlds[i].keyspace);
}

static void note_key(void *context, struct bytes key) {
    bool *seen = context;
    unsigned number;
    char name[32] = {0};
    memcpy(name, key.data, key.length);
    assert_int_equal(sscanf(name, "{one}%u", &number), 1);
    assert_false(seen[number]);
    seen[number] = true;
}

/* CLUSTER COUNTKEYSINSLOT and GETKEYSINSLOT: a slot's own keys, each once, no more than asked for.
 */
static void test_a_slot_knows_its_keys(void **state) {
    (void)state;
    struct keyspace *keyspace = keyspace_new(1);
    bool seen[300] = {0};
    char name[32];
    for (unsigned key = 0; key < 300; key += 3) {
        keyspace_put_string(keyspace, key_name(name, key), BYTES_NONE, STRING_EMBSTR, 0);
        keyspace_put_string(keyspace, key_name(name, key + 1), BYTES_NONE, STRING_EMBSTR, 0);
    }
    slot_number slot = slot_of_key(BYTES_LITERAL("one"));
    assert_int_equal(keyspace_slot_key_count(keyspace, slot), 100);
    assert_int_equal(keyspace_slot_key_count(keyspace, (slot_number)(slot ^ 1)), 0);
    keyspace_slot_keys(keyspace, slot, 1000, note_key, seen);
    for (unsigned key = 0; key < 300; key++)
        assert_int_equal(seen[key], key % 3 == 0);
    memset(seen, 0, sizeof seen);
    keyspace_slot_keys(keyspace, slot, 7, note_key, seen);
    unsigned count = 0;
    for (unsigned key = 0; key < 300; key++)
        count += seen[key];
    assert_int_equal(count, 7);
    keyspace_free(keyspace);
}

/* The budget: a key of 10 bytes with a value of 64 takes no more than 120, tables and all, whether
 * they are strewn over all slots or crowd one. */
static void test_memory_a_key(void **state) {
    (void)state;
    enum { KEYS = 1000000 / 4 };
    uint8_t text[VALUE_BYTES];
    for (int is_crowded = 0; is_crowded <= 1; is_crowded++) {
        struct keyspace *keyspace = keyspace_new(1);
        for (unsigned key = 0; key < KEYS; key++) {
            char name[32];
            snprintf(name, sizeof name, is_crowded ? "{k}%07u" : "key%07u", key);
            keyspace_put_string(keyspace, bytes_of(name, 10), letters(text, 'v', 64), STRING_RAW,
                                0);
        }
        assert_int_equal(keyspace_key_count(keyspace), KEYS);
        uint64_t bytes_a_key = keyspace_memory_bytes(keyspace) / KEYS;
        print_message("%llu bytes a key\n", (unsigned long long)bytes_a_key);
        assert_true(bytes_a_key <= 120);
        keyspace_free(keyspace);
    }
}

/* jemalloc's classes, by its manual. */
static void test_memory_classes(void **state) {
    (void)state;
    static const size_t expected[][2] = {{1, 8},
                                         {8, 8},
                                         {9, 16},
                                         {17, 32},
                                         {90, 96},
                                         {113, 128},
                                         {128, 128},
                                         {129, 160},
                                         {161, 192},
                                         {256, 256},
                                         {257, 320},
                                         {321, 384},
                                         {1000, 1024},
                                         {1025, 1280},
                                         {4097, 5120},
                                         {1 << 20, 1 << 20},
                                         {(1 << 20) + 1, 5 << 18}};
    for (size_t at = 0; at < sizeof expected / sizeof expected[0]; at++)
        assert_int_equal(memory_class(expected[at][0]), expected[at][1]);
}

RUN_TESTS(cmocka_unit_test(test_agrees_with_the_model),
          cmocka_unit_test(test_expecting_keys_changes_nothing),
          cmocka_unit_test(test_a_slot_knows_its_keys), cmocka_unit_test(test_memory_a_key),
          cmocka_unit_test(test_memory_classes))
