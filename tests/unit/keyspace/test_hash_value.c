/* Hashes against a naive model, through growing and shrinking; scans that miss nothing; saving; the
 * golden bytes. */
#include "../unit.h"
#include "base/random.h"
#include "keyspace/value/hash_kind.h"
#include "keyspace/value/hash_value.h"

enum { MODEL_FIELDS = 3000, SAVED_MAXIMUM_BYTES = 16 * 1024 * 1024, TABLE_SEED = 99 };

/* The naive model: field number i has the value values[i], or none where it is negative. */
struct model {
    int values[MODEL_FIELDS];
    size_t count;
};

static struct bytes field_text(char text[32], int field) {
    return bytes_of(text, (size_t)snprintf(text, 32, "field:%d", field));
}

static struct bytes value_text(char text[128], int value) {
    /* Of all lengths, so that entries change their size. */
    return bytes_of(text, (size_t)snprintf(text, 128, "%0*d", 1 + value % 60, value));
}

static void model_init(struct model *model) {
    for (int i = 0; i < MODEL_FIELDS; i++)
        model->values[i] = -1;
    model->count = 0;
}

static void both_set(struct hash_value *hash, struct model *model, int field, int value) {
    char field_buffer[32], value_buffer[128];
    bool is_new = hash_value_set(hash, field_text(field_buffer, field),
                                 value_text(value_buffer, value), TABLE_SEED);
    assert_int_equal(is_new, model->values[field] < 0);
    model->count += is_new;
    model->values[field] = value;
}

static void both_remove(struct hash_value *hash, struct model *model, int field) {
    char buffer[32];
    bool was_there = hash_value_remove(hash, field_text(buffer, field));
    assert_int_equal(was_there, model->values[field] >= 0);
    model->count -= was_there;
    model->values[field] = -1;
}

static void expect_equal(const struct hash_value *hash, const struct model *model) {
    assert_int_equal(hash_value_count(hash), model->count);
    struct bytes field, value;
    for (int i = 0; i < MODEL_FIELDS; i++) {
        char field_buffer[32], value_buffer[128];
        bool is_there = hash_value_get(hash, field_text(field_buffer, i), &value);
        assert_int_equal(is_there, model->values[i] >= 0);
        if (is_there)
            assert_true(bytes_equal(value, value_text(value_buffer, model->values[i])));
    }
    size_t walked = 0;
    struct hash_position position = {0};
    while (hash_value_next(hash, &position, &field, &value))
        walked++;
    assert_int_equal(walked, model->count);
}

/* Grows, shrinks and grows again by chance. */
static void test_agrees_with_the_model(void **state) {
    (void)state;
    static struct model model;
    struct random random;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        random_init(&random, seed);
        model_init(&model);
        struct hash_value *hash = hash_value_new();
        for (int phase = 0; phase < 8; phase++) {
            int range = (int)random_between(&random, 1, MODEL_FIELDS);
            double removing = phase % 2 ? 0.9 : 0.2;
            for (int i = 0; i < 4000; i++) {
                int field = (int)random_below(&random, (uint64_t)range);
                if (random_chance(&random, removing))
                    both_remove(hash, &model, field);
                else
                    both_set(hash, &model, field, (int)random_below(&random, 1000));
            }
            expect_equal(hash, &model);
        }
        hash_value_free(hash);
    }
}

static void expect_encoding(struct hash_value *hash, const char *name) {
    assert_string_equal(hash_value_kind.encoding_name(hash), name);
}

/* 512 pairs and 64 bytes are a listpack, more is a hashtable, and there is no way back. */
static void test_becomes_a_table_at_redis_limits(void **state) {
    (void)state;
    static struct model model;
    model_init(&model);
    struct hash_value *hash = hash_value_new();
    for (int i = 0; i < 512; i++)
        both_set(hash, &model, i, i % 60);
    both_set(hash, &model, 5, 7);
    expect_encoding(hash, "listpack");
    both_set(hash, &model, 512, 0);
    expect_encoding(hash, "hashtable");
    expect_equal(hash, &model);
    for (int i = 0; i < 512; i++)
        both_remove(hash, &model, i);
    expect_encoding(hash, "hashtable");
    expect_equal(hash, &model);
    hash_value_free(hash);

    char text[65];
    memset(text, 'x', sizeof text);
    for (int is_value = 0; is_value < 2; is_value++) {
        for (size_t length = 64; length <= 65; length++) {
            hash = hash_value_new();
            struct bytes lengthy = bytes_of(text, length), brief = BYTES_LITERAL("a");
            hash_value_set(hash, is_value ? brief : lengthy, is_value ? lengthy : brief, 0);
            expect_encoding(hash, length == 64 ? "listpack" : "hashtable");
            hash_value_free(hash);
        }
    }
}

static void test_a_pack_keeps_the_order(void **state) {
    (void)state;
    struct hash_value *hash = hash_value_new();
    const char *const names[] = {"one", "two", "three"};
    for (int i = 0; i < 3; i++)
        hash_value_set(hash, bytes_of_text(names[i]), BYTES_LITERAL("x"), 0);
    hash_value_set(hash, BYTES_LITERAL("two"), BYTES_LITERAL("much longer"), 0);
    hash_value_set(hash, BYTES_LITERAL("one"), BYTES_LITERAL(""), 0);
    struct hash_position position = {0};
    struct bytes field, value;
    for (int i = 0; i < 3; i++) {
        assert_true(hash_value_next(hash, &position, &field, &value));
        assert_true(bytes_equal(field, bytes_of_text(names[i])));
    }
    assert_false(hash_value_next(hash, &position, &field, &value));
    hash_value_free(hash);
}

struct seen {
    bool fields[MODEL_FIELDS];
};

static int field_number(struct bytes field) {
    char text[32] = {0};
    memcpy(text, field.data, field.length);
    int number;
    assert_int_equal(sscanf(text, "field:%d", &number), 1);
    return number;
}

static void scan_note(void *context, struct bytes field, struct bytes value) {
    (void)value;
    ((struct seen *)context)->fields[field_number(field)] = true;
}

/* The first 200 fields stay; others come and go between the steps, so that the table grows and
 * shrinks under the scan. */
static void test_a_scan_misses_nothing(void **state) {
    (void)state;
    static struct model model;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct random random;
        random_init(&random, seed);
        model_init(&model);
        struct hash_value *hash = hash_value_new();
        int high = seed % 2 ? MODEL_FIELDS : 300;
        for (int i = 0; i < high; i++)
            both_set(hash, &model, i, 1);
        struct seen seen = {0};
        uint64_t cursor = 0;
        do {
            cursor = hash_value_scan(hash, cursor, scan_note, &seen);
            for (int i = 0; i < 20; i++) {
                int field = (int)random_between(&random, 200, MODEL_FIELDS - 1);
                if (seed % 2)
                    both_remove(hash, &model, field);
                else
                    both_set(hash, &model, field, 2);
            }
        } while (cursor != 0);
        for (int i = 0; i < 200; i++)
            assert_true(seen.fields[i]);
        hash_value_free(hash);
    }
}

/* Places are those of one table, and what lies between them is summed up of one whose size is
 * another, or that is about to change it: on every replica the same fields lie there. */
static void test_shares_are_the_same_in_tables_of_any_size(void **state) {
    (void)state;
    static struct model model, other_model;
    const struct value_kind *kind = &hash_value_kind;
    for (int count = 700; count < MODEL_FIELDS; count += 250) {
        struct hash_value *hash = hash_value_new(), *other = hash_value_new();
        model_init(&model);
        model_init(&other_model);
        for (int i = 0; i < MODEL_FIELDS; i++)
            both_set(other, &other_model, i, i);
        for (int i = MODEL_FIELDS - 1; i >= count; i--)
            both_remove(other, &other_model, i);
        for (int i = 0; i < count; i++)
            both_set(hash, &model, i, i);
        uint64_t place = 0, next, sum = 0;
        unsigned shares = 0;
        do {
            next = kind->place_behind(hash, place, 1000);
            uint64_t share = kind->hash_between(hash, place, next);
            assert_true(kind->hash_between(other, place, next) == share);
            sum += share;
            shares++;
            place = next;
        } while (place != 0);
        assert_in_range(shares, 10, 400);
        assert_true(sum == kind->hash(hash));
        assert_true(kind->hash_between(other, 0, 0) == sum);
        hash_value_free(hash);
        hash_value_free(other);
    }
}

/* Cursors that were never given out end all the same. */
static void test_forged_cursors_are_safe(void **state) {
    (void)state;
    static struct model model;
    struct random random;
    random_init(&random, 3);
    model_init(&model);
    struct hash_value *hash = hash_value_new();
    for (int i = 0; i < 1030; i++) /* in the middle of growing */
        both_set(hash, &model, i, 1);
    for (int i = 0; i < 1000; i++) {
        struct seen seen = {0};
        uint64_t cursor = random_next(&random);
        for (int steps = 0; cursor != 0; steps++) {
            assert_true(steps < 5000);
            cursor = hash_value_scan(hash, cursor, scan_note, &seen);
        }
    }
    hash_value_free(hash);
}

/* Every field is drawn about as often as any other. */
static void test_random_is_fair_enough(void **state) {
    (void)state;
    for (int fields = 100; fields <= 200; fields += 100) {
        static struct model model;
        model_init(&model);
        struct hash_value *hash = hash_value_new();
        for (int i = 0; i < fields; i++)
            both_set(hash, &model, i, 1);
        struct random random;
        random_init(&random, 5);
        int drawn[200] = {0};
        for (int i = 0; i < fields * 1000; i++) {
            struct bytes field, value;
            hash_value_random(hash, &random, &field, &value);
            drawn[field_number(field)]++;
        }
        for (int i = 0; i < fields; i++)
            assert_in_range(drawn[i], 100, 4000);
        hash_value_free(hash);
    }
}

/* Saves in pieces of `piece_bytes`, loads them one by one. */
static struct hash_value *saved_and_loaded(const struct hash_value *hash, size_t piece_bytes) {
    uint64_t position = 0;
    void *loaded = NULL;
    struct buffer out;
    buffer_init(&out, SAVED_MAXIMUM_BYTES);
    do {
        buffer_clear(&out);
        hash_value_kind.save(hash, &position, piece_bytes, &out);
        assert_int_equal(
            hash_value_kind.load(&loaded, hash_value_kind.encoding(hash), buffer_bytes(&out)), 0);
    } while (position != 0);
    buffer_release(&out);
    return loaded;
}

static void test_saving_and_copying_keep_all(void **state) {
    (void)state;
    static struct model model;
    struct random random;
    random_init(&random, 11);
    for (int fields = 1; fields < MODEL_FIELDS; fields = fields * 3 + 1) {
        model_init(&model);
        struct hash_value *hash = hash_value_new();
        for (int i = 0; i < fields; i++)
            both_set(hash, &model, i, (int)random_below(&random, 1000));
        struct hash_value *loaded = saved_and_loaded(hash, 500);
        struct hash_value *copy = hash_value_kind.copy(hash);
        expect_equal(loaded, &model);
        expect_equal(copy, &model);
        expect_encoding(loaded, hash_value_kind.encoding_name(hash));
        assert_true(hash_value_kind.hash(loaded) == hash_value_kind.hash(hash));
        assert_true(hash_value_kind.hash(copy) == hash_value_kind.hash(hash));
        hash_value_free(loaded);
        hash_value_free(copy);
        hash_value_free(hash);
    }
}

/* The hash for comparing replicas knows neither order nor encoding, but every byte. */
static void test_hash_is_of_the_content(void **state) {
    (void)state;
    static struct model model;
    model_init(&model);
    struct hash_value *one = hash_value_new(), *other = hash_value_new();
    char long_text[100];
    memset(long_text, 'y', sizeof long_text);
    for (int i = 0; i < 50; i++)
        both_set(one, &model, i, i);
    hash_value_set(other, BYTES_LITERAL("passing"), bytes_of(long_text, sizeof long_text), 1);
    model_init(&model);
    for (int i = 49; i >= 0; i--) {
        char field_buffer[32], value_buffer[128];
        hash_value_set(other, field_text(field_buffer, i), value_text(value_buffer, i), 1);
    }
    assert_true(hash_value_kind.hash(one) != hash_value_kind.hash(other));
    hash_value_remove(other, BYTES_LITERAL("passing"));
    expect_encoding(one, "listpack");
    expect_encoding(other, "hashtable");
    assert_true(hash_value_kind.hash(one) == hash_value_kind.hash(other));
    hash_value_set(other, BYTES_LITERAL("field:3"), BYTES_LITERAL("other"), 1);
    assert_true(hash_value_kind.hash(one) != hash_value_kind.hash(other));
    hash_value_free(one);
    hash_value_free(other);
}

static void expect_saved(const struct hash_value *hash, struct bytes expected) {
    struct buffer out;
    buffer_init(&out, 1024);
    uint64_t position = 0;
    hash_value_kind.save(hash, &position, VALUE_SAVE_BYTES, &out);
    assert_int_equal(position, 0);
    assert_int_equal(out.length, expected.length);
    assert_memory_equal(buffer_data(&out), expected.data, expected.length);
    buffer_release(&out);
}

static void test_golden_bytes(void **state) {
    (void)state;
    struct hash_value *hash = hash_value_new();
    hash_value_set(hash, BYTES_LITERAL("name"), BYTES_LITERAL("troth"), 0);
    hash_value_set(hash, BYTES_LITERAL("n"), BYTES_LITERAL(""), 0);
    expect_saved(hash, BYTES_LITERAL("\x04name\x05troth\x01n\x00"));
    hash_value_free(hash);

    char text[70];
    memset(text, 'z', sizeof text);
    hash = hash_value_new();
    hash_value_set(hash, BYTES_LITERAL("f"), bytes_of(text, sizeof text), 0x0102030405060708);
    struct buffer expected;
    buffer_init(&expected, 1024);
    buffer_append(&expected,
                  "\x08\x07\x06\x05\x04\x03\x02\x01\x01"
                  "f\x46",
                  11);
    buffer_append(&expected, text, sizeof text);
    expect_saved(hash, buffer_bytes(&expected));
    buffer_release(&expected);
    hash_value_free(hash);
}

static void expect_malformed(uint8_t encoding, struct bytes piece) {
    void *object = NULL;
    assert_int_equal(hash_value_kind.load(&object, encoding, piece), ERR_MALFORMED);
    hash_value_free(object);
}

static void test_refuses_what_save_never_writes(void **state) {
    (void)state;
    expect_malformed(HASH_PACK, BYTES_NONE);
    expect_malformed(HASH_TABLE, BYTES_LITERAL("12345678"));
    expect_malformed(HASH_TABLE, BYTES_LITERAL("1234"));
    expect_malformed(2, BYTES_LITERAL("\x01"
                                      "a\x01"
                                      "b"));
    expect_malformed(HASH_PACK, BYTES_LITERAL("\x01"
                                              "a\x05"
                                              "b"));
    expect_malformed(HASH_PACK, BYTES_LITERAL("\x01"
                                              "a\x01"
                                              "b\x01"
                                              "a\x01"
                                              "c"));
    char lengthy[68] = {1, 'a', 65};
    expect_malformed(HASH_PACK, bytes_of(lengthy, sizeof lengthy));
    struct buffer many;
    buffer_init(&many, 4096);
    for (int i = 0; i < 513; i++)
        buffer_append_format(&many, "\x03%03d\x01x", i);
    expect_malformed(HASH_PACK, buffer_bytes(&many));
    buffer_release(&many);
}

/* What is said of memory is what the parts add up to: nothing is forgotten when all is taken out
 * again. */
static void test_memory_is_counted(void **state) {
    (void)state;
    static struct model model;
    model_init(&model);
    struct hash_value *hash = hash_value_new();
    size_t empty_bytes = hash_value_memory_bytes(hash);
    for (int i = 0; i < MODEL_FIELDS; i++)
        both_set(hash, &model, i, i % 1000);
    size_t full_bytes = hash_value_memory_bytes(hash);
    assert_in_range(full_bytes, MODEL_FIELDS * 48, MODEL_FIELDS * 120);
    for (int i = 0; i < MODEL_FIELDS; i++)
        both_remove(hash, &model, i);
    assert_in_range(hash_value_memory_bytes(hash), empty_bytes, 2048);
    hash_value_free(hash);
}

RUN_TESTS(cmocka_unit_test(test_agrees_with_the_model),
          cmocka_unit_test(test_becomes_a_table_at_redis_limits),
          cmocka_unit_test(test_a_pack_keeps_the_order),
          cmocka_unit_test(test_a_scan_misses_nothing),
          cmocka_unit_test(test_shares_are_the_same_in_tables_of_any_size),
          cmocka_unit_test(test_forged_cursors_are_safe),
          cmocka_unit_test(test_random_is_fair_enough),
          cmocka_unit_test(test_saving_and_copying_keep_all),
          cmocka_unit_test(test_hash_is_of_the_content), cmocka_unit_test(test_golden_bytes),
          cmocka_unit_test(test_refuses_what_save_never_writes),
          cmocka_unit_test(test_memory_is_counted))
