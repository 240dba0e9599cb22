/* A large hash is copied, and viewed, by sharing what it holds: counted in fields and bytes, and
 * not in time. Copies that go their own ways agree with a naive model. */
#include "../unit.h"
#include "base/random.h"
#include "keyspace/edit.h"
#include "keyspace/record/remains.h"
#include "keyspace/value/hash_kind.h"
#include "keyspace/value/hash_value.h"

enum {
    FIELDS = 20000,
    COPIES = 5,
    MODEL_FIELDS = 1500,
    A_CHANGE_FIELDS = 200, /* that may be moved when one is changed: of a few buckets */
    A_CHANGE_BYTES = 24000 /* and copied: those, and what is above them */
};

static struct bytes field_text(char text[32], unsigned field) {
    return bytes_of(text, (size_t)snprintf(text, 32, "field:%u", field));
}

static bool set(struct hash_value *hash, unsigned field, unsigned value) {
    char field_buffer[32], value_buffer[32];
    return hash_value_set(hash, field_text(field_buffer, field), field_text(value_buffer, value),
                          7);
}

static struct hash_value *hash_of(unsigned field_count) {
    struct hash_value *hash = hash_value_new();
    for (unsigned field = 0; field < field_count; field++)
        set(hash, field, field);
    return hash;
}

/* How many fields the two hold in different places. */
static unsigned moved_fields(const struct hash_value *one, const struct hash_value *other) {
    unsigned moved = 0;
    for (unsigned field = 0; field < FIELDS; field++) {
        char text[32];
        struct bytes value, other_value;
        assert_true(hash_value_get(one, field_text(text, field), &value));
        assert_true(hash_value_get(other, field_text(text, field), &other_value));
        moved += value.data != other_value.data;
    }
    return moved;
}

/* COPY of a hash of any size moves no field; a change to either moves those of a few buckets. */
static void test_a_copy_moves_no_field(void **state) {
    (void)state;
    struct hash_value *hash = hash_of(FIELDS), *copy = hash_value_kind.copy(hash);
    assert_int_equal(moved_fields(hash, copy), 0);
    set(copy, 17, 18);
    assert_in_range(moved_fields(hash, copy), 1, A_CHANGE_FIELDS);
    set(hash, 1234, 18);
    assert_in_range(moved_fields(hash, copy), 2, 2 * A_CHANGE_FIELDS);
    struct hash_value *other = hash_of(FIELDS);
    set(other, 17, 18);
    assert_true(hash_value_kind.hash(copy) == hash_value_kind.hash(other));
    hash_value_free(hash);
    assert_true(hash_value_kind.hash(copy) == hash_value_kind.hash(other));
    hash_value_free(copy);
    hash_value_free(other);
}

/* A field may be as long as any string: however many long ones stand side by side, a change copies
 * none of them. */
static void test_long_fields_are_not_moved(void **state) {
    (void)state;
    enum { LONG_FIELDS = 300, LENGTH = 5000 };
    static const uint8_t text[LENGTH];
    struct hash_value *hash = hash_value_new();
    char name[32];
    for (unsigned field = 0; field < LONG_FIELDS; field++)
        hash_value_set(hash, field_text(name, field), bytes_of(text, LENGTH - field % 2), 7);
    struct hash_value *copy = hash_value_kind.copy(hash);
    size_t bytes = hash_value_memory_bytes(hash);
    for (unsigned field = 0; field < LONG_FIELDS; field += 100) {
        set(copy, field, field); /* becomes short */
        hash_value_set(hash, field_text(name, field + 1), bytes_of(text, LENGTH / 2), 7);
        assert_true(hash_value_remove(copy, field_text(name, field + 2)));
    }
    unsigned moved = 0;
    for (unsigned field = 0; field < LONG_FIELDS; field++) {
        struct bytes value, other_value = BYTES_NONE;
        assert_true(hash_value_get(hash, field_text(name, field), &value));
        bool is_there = hash_value_get(copy, field_text(name, field), &other_value);
        assert_int_equal(is_there, field % 100 != 2);
        if (field % 100 > 2)
            assert_int_equal(other_value.length, LENGTH - field % 2);
        moved += value.data != other_value.data;
    }
    assert_int_equal(moved, 9);
    assert_in_range(hash_value_memory_bytes(hash), bytes - 3 * LENGTH, bytes);
    hash_value_free(hash);
    hash_value_free(copy);
}

/* However the parts are shared, a copy is said to take as much as what it was made from. */
static void test_a_copy_counts_whole(void **state) {
    (void)state;
    struct remains *remains = remains_new();
    struct keyspace *keyspace = keyspace_new(1);
    keyspace_leave_to(keyspace, remains);
    struct bytes one = BYTES_LITERAL("{k}1"), other = BYTES_LITERAL("{k}2");
    keyspace_put_object(keyspace, one, VALUE_HASH, hash_of(FIELDS), 0);
    uint64_t bytes = keyspace_memory_bytes(keyspace);
    size_t hash_bytes = hash_value_memory_bytes(record_object(keyspace_find(keyspace, one)));
    keyspace_copy(keyspace, one, other);
    assert_in_range(keyspace_memory_bytes(keyspace) - bytes, hash_bytes, hash_bytes + 100);
    assert_int_equal(hash_value_memory_bytes(record_object(keyspace_find(keyspace, other))),
                     hash_bytes);
    assert_true(keyspace_delete(keyspace, one));
    assert_in_range(keyspace_memory_bytes(keyspace), bytes - 100, bytes);
    while (remains_free_some(remains, 1))
        continue;
    assert_int_equal(hash_value_count(record_object(keyspace_find(keyspace, other))), FIELDS);
    assert_true(keyspace_delete(keyspace, other));
    unsigned turns = 0;
    while (remains_free_some(remains, 100))
        turns++;
    assert_in_range(turns, FIELDS / 100, FIELDS / 100 * 3);
    keyspace_free(keyspace);
    remains_free(remains);
}

/* ---- against the model ---- */

struct copies {
    struct hash_value *hashes[COPIES];
    int values[COPIES][MODEL_FIELDS]; /* -1: absent */
    struct random random;
};

static unsigned below(struct copies *copies, unsigned limit) {
    return (unsigned)random_below(&copies->random, limit);
}

static void expect_equal(const struct copies *copies, unsigned which) {
    size_t count = 0;
    for (unsigned field = 0; field < MODEL_FIELDS; field++) {
        char text[32], value_buffer[32];
        struct bytes value;
        int expected = copies->values[which][field];
        assert_int_equal(hash_value_get(copies->hashes[which], field_text(text, field), &value),
                         expected >= 0);
        count += expected >= 0;
        if (expected >= 0)
            assert_true(bytes_equal(value, field_text(value_buffer, (unsigned)expected)));
    }
    assert_int_equal(hash_value_count(copies->hashes[which]), count);
}

/* One grows, shrinks, or is in the middle of either when it is copied. */
static void change_some(struct copies *copies, unsigned which) {
    unsigned count = below(copies, 400), range = 1 + below(copies, MODEL_FIELDS);
    unsigned removing = below(copies, 3) ? 1 : 9;
    for (unsigned i = 0; i < count; i++) {
        unsigned field = below(copies, range), value = below(copies, 100000);
        int *expected = &copies->values[which][field];
        char text[32];
        if (below(copies, 10) < removing) {
            bool was_there = hash_value_remove(copies->hashes[which], field_text(text, field));
            assert_int_equal(was_there, *expected >= 0);
            *expected = -1;
        } else {
            assert_int_equal(set(copies->hashes[which], field, value), *expected < 0);
            *expected = (int)value;
        }
    }
}

/* Over another, of which a few elements at a time are freed, or all at once. */
static void copy_over(struct copies *copies, unsigned from, unsigned to) {
    size_t elements = 1;
    struct hash_value *gone = copies->hashes[to];
    if (from == to)
        return;
    copies->hashes[to] = hash_value_kind.copy(copies->hashes[from]);
    memcpy(copies->values[to], copies->values[from], sizeof copies->values[to]);
    while (!hash_value_free_some(gone, &elements))
        elements = 1 + below(copies, 50);
}

struct view {
    void *view; /* NULL: none */
    unsigned of;
    uint64_t hash, seen_hash, kept_bytes;
};

static void end_view(struct view *view) {
    if (view->view == NULL)
        return;
    hash_value_free(hash_value_kind.view_end(view->view));
    assert_int_equal(view->kept_bytes, 0);
    view->view = NULL;
}

/* What was held when the view began is what it shows, if nobody ends it before. */
static void view_some(struct copies *copies, struct view *view) {
    struct buffer piece;
    if (view->view == NULL) {
        *view = (struct view){.of = below(copies, COPIES)};
        view->hash = hash_value_kind.hash(copies->hashes[view->of]);
        view->view = hash_value_kind.view(copies->hashes[view->of], false, &view->kept_bytes);
        return;
    }
    buffer_init(&piece, 1 << 20);
    bool is_whole = hash_value_kind.view_save(view->view, 3000, &piece, &view->seen_hash);
    buffer_release(&piece);
    if (is_whole)
        assert_true(view->seen_hash == view->hash);
    if (is_whole || below(copies, 20) == 0)
        end_view(view);
}

static void test_copies_go_their_own_ways(void **state) {
    (void)state;
    static struct copies copies;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct view view = {.view = NULL};
        random_init(&copies.random, seed);
        memset(copies.values, -1, sizeof copies.values);
        for (unsigned i = 0; i < COPIES; i++)
            copies.hashes[i] = hash_value_new();
        for (unsigned round = 0; round < 120; round++) {
            unsigned which = below(&copies, COPIES);
            change_some(&copies, which);
            view_some(&copies, &view);
            if (below(&copies, 3) == 0)
                copy_over(&copies, which, below(&copies, COPIES));
            expect_equal(&copies, below(&copies, COPIES));
        }
        for (unsigned i = 0; i < COPIES; i++) {
            expect_equal(&copies, i);
            hash_value_free(copies.hashes[i]);
        }
        end_view(&view);
    }
}

/* ---- a view ---- */

/* Each change copies little for the view, the whole hash is never copied, and what the view is done
 * with is copied no more. */
static void test_a_change_under_a_view_copies_little(void **state) {
    (void)state;
    struct hash_value *hash = hash_of(FIELDS);
    uint64_t kept_bytes = 0, seen_hash = 0, hash_before = hash_value_kind.hash(hash);
    void *view = hash_value_kind.view(hash, false, &kept_bytes);
    assert_int_equal(kept_bytes, 0);
    for (unsigned field = 0; field < FIELDS; field += 97) {
        uint64_t before = kept_bytes;
        set(hash, field, field + 1);
        assert_in_range(kept_bytes - before, 0, A_CHANGE_BYTES);
    }
    assert_in_range(kept_bytes, FIELDS / 97 * 32, hash_value_memory_bytes(hash));
    struct buffer piece;
    buffer_init(&piece, 64 << 20);
    assert_true(hash_value_kind.view_save(view, SIZE_MAX, &piece, &seen_hash));
    assert_true(seen_hash == hash_before);
    uint64_t before = kept_bytes;
    for (unsigned field = 1; field < FIELDS; field += 97)
        set(hash, field, field + 1);
    assert_int_equal(kept_bytes, before);
    buffer_release(&piece);
    hash_value_free(hash_value_kind.view_end(view));
    assert_int_equal(kept_bytes, 0);
    hash_value_free(hash);
}

RUN_TESTS(cmocka_unit_test(test_a_copy_moves_no_field),
          cmocka_unit_test(test_long_fields_are_not_moved),
          cmocka_unit_test(test_a_copy_counts_whole),
          cmocka_unit_test(test_copies_go_their_own_ways),
          cmocka_unit_test(test_a_change_under_a_view_copies_little))
