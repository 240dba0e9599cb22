/* Scans that miss nothing while tables grow and shrink, and lots that are fair. */
#include "unit.h"

#include "base/random.h"
#include "keyspace/edit.h"
#include "keyspace/scan.h"

enum { STABLE_KEYS = 200, PASSING_KEYS = 5000, ROUNDS = 20 };

static struct bytes key_name(char name[48], const char *kind, unsigned key, bool is_crowded) {
    int length = snprintf(name, 48, is_crowded ? "{slot}%s:%u" : "%s:%u", kind, key);
    return bytes_of(name, (size_t)length);
}

struct seen {
    unsigned stable[STABLE_KEYS];
};

static void note(void *context, const struct record *record) {
    struct seen *seen = context;
    char name[48] = {0};
    unsigned key;
    struct bytes text = record_key(record);
    memcpy(name, text.data, text.length);
    const char *stable = strstr(name, "stable:");
    if (stable && sscanf(stable, "stable:%u", &key) == 1)
        seen->stable[key]++;
}

static void churn(struct keyspace *keyspace, struct random *random, bool is_growing,
                  bool is_crowded) {
    char name[48];
    for (uint64_t left = random_below(random, 60); left > 0; left--) {
        struct bytes key =
            key_name(name, "passing", (unsigned)random_below(random, PASSING_KEYS), is_crowded);
        if (is_growing)
            keyspace_put_string(keyspace, key, BYTES_NONE, STRING_EMBSTR, 0);
        else
            keyspace_delete(keyspace, key);
    }
}

/* Whatever comes and goes meanwhile, what is there from the first call to the last is seen. */
static void test_a_scan_misses_nothing(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 3);
    for (unsigned round = 0; round < ROUNDS; round++) {
        bool is_crowded = round % 2;
        bool is_growing = round / 2 % 2;
        struct keyspace *keyspace = keyspace_new(round);
        struct seen seen = {0};
        char name[48];
        for (unsigned key = 0; key < STABLE_KEYS; key++)
            keyspace_put_string(keyspace, key_name(name, "stable", key, is_crowded), BYTES_NONE,
                                STRING_EMBSTR, 0);
        for (unsigned key = 0; key < PASSING_KEYS && !is_growing; key++)
            keyspace_put_string(keyspace, key_name(name, "passing", key, is_crowded), BYTES_NONE,
                                STRING_EMBSTR, 0);
        uint64_t cursor = 0;
        do {
            cursor = keyspace_scan(keyspace, cursor, note, &seen);
            assert_true(cursor < (uint64_t)1 << 50);
            churn(keyspace, &random, is_growing, is_crowded);
            if (random_chance(&random, 0.02))
                is_growing = !is_growing;
        } while (cursor != 0);
        for (unsigned key = 0; key < STABLE_KEYS; key++)
            assert_true(seen.stable[key] > 0);
        keyspace_free(keyspace);
    }
}

/* Nothing changes: everything is seen exactly once. */
static void test_a_quiet_scan_sees_each_key_once(void **state) {
    (void)state;
    for (int is_crowded = 0; is_crowded <= 1; is_crowded++) {
        struct keyspace *keyspace = keyspace_new(1);
        struct seen seen = {0}, walked = {0};
        char name[48];
        for (unsigned key = 0; key < STABLE_KEYS; key++)
            keyspace_put_string(keyspace, key_name(name, "stable", key, is_crowded), BYTES_NONE,
                                STRING_EMBSTR, 0);
        uint64_t cursor = 0;
        do {
            cursor = keyspace_scan(keyspace, cursor, note, &seen);
        } while (cursor != 0);
        keyspace_walk(keyspace, note, &walked);
        for (unsigned key = 0; key < STABLE_KEYS; key++) {
            assert_int_equal(seen.stable[key], 1);
            assert_int_equal(walked.stable[key], 1);
        }
        keyspace_free(keyspace);
    }
}

/* Any number may come as a cursor: every scan from it ends. */
static void test_forged_cursors_are_safe(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 9);
    struct keyspace *keyspace = keyspace_new(1);
    struct seen seen = {0};
    assert_int_equal(keyspace_scan(keyspace, UINT64_MAX, note, &seen), 0);
    char name[48];
    for (unsigned key = 0; key < STABLE_KEYS; key++)
        keyspace_put_string(keyspace, key_name(name, "stable", key, key % 2), BYTES_NONE,
                            STRING_EMBSTR, 0);
    for (int round = 0; round < 1000; round++) {
        uint64_t cursor = random_next(&random);
        int step_count = 0;
        do {
            cursor = keyspace_scan(keyspace, cursor, note, &seen);
            assert_true(++step_count < 2000);
        } while (cursor != 0);
    }
    keyspace_free(keyspace);
}

/* Among keys in crowded and in lonely slots none is drawn much more often than another. */
static void test_lots_are_fair_enough(void **state) {
    (void)state;
    enum { DRAWS = 40000 };
    struct random random;
    random_init(&random, 5);
    struct keyspace *keyspace = keyspace_new(1);
    struct seen seen = {0};
    assert_null(keyspace_random(keyspace, &random));
    char name[48];
    for (unsigned key = 0; key < STABLE_KEYS; key++)
        keyspace_put_string(keyspace, key_name(name, "stable", key, key % 2), BYTES_NONE,
                            STRING_EMBSTR, 0);
    for (int draw = 0; draw < DRAWS; draw++)
        note(&seen, keyspace_random(keyspace, &random));
    for (unsigned key = 0; key < STABLE_KEYS; key++) {
        assert_true(seen.stable[key] > DRAWS / STABLE_KEYS / 10);
        assert_true(seen.stable[key] < DRAWS / STABLE_KEYS * 5);
    }
    keyspace_free(keyspace);
}

/* A slot that has just lost nearly all its keys still gives one at once. */
static void test_a_lot_from_an_emptied_table(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 5);
    struct keyspace *keyspace = keyspace_new(1);
    char name[48];
    for (unsigned key = 0; key < 20000; key++)
        keyspace_put_string(keyspace, key_name(name, "stable", key, true), BYTES_NONE,
                            STRING_EMBSTR, 0);
    for (unsigned key = 1; key < 20000; key++)
        assert_true(keyspace_delete(keyspace, key_name(name, "stable", key, true)));
    const struct record *record = keyspace_random(keyspace, &random);
    assert_true(bytes_equal(record_key(record), key_name(name, "stable", 0, true)));
    keyspace_free(keyspace);
}

RUN_TESTS(cmocka_unit_test(test_a_scan_misses_nothing),
          cmocka_unit_test(test_a_quiet_scan_sees_each_key_once),
          cmocka_unit_test(test_forged_cursors_are_safe),
          cmocka_unit_test(test_lots_are_fair_enough),
          cmocka_unit_test(test_a_lot_from_an_emptied_table))
