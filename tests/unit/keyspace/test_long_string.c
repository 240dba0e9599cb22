/* A long string is copied, renamed and viewed by sharing its pieces: counted in pieces, and not in
 * time. Copies that go their own ways agree with a naive model. */
#include "../unit.h"
#include "base/random.h"
#include "keyspace/edit.h"
#include "keyspace/record/remains.h"
#include "keyspace/value/long_string.h"

enum {
    PIECE = LONG_STRING_PIECE_BYTES,
    PIECES = 40,
    COPIES = 4,
    MODEL_BYTES = 5 * PIECE,
    ALL_BYTES = STRING_BYTES_MAXIMUM
};

/* ---- in a keyspace ---- */

struct world {
    struct keyspace *keyspace;
    struct remains *remains;
};

static const struct bytes one = {(const uint8_t *)"{k}1", 4}, other = {(const uint8_t *)"{k}2", 4};

static struct world started(size_t length) {
    struct world world = {.keyspace = keyspace_new(1), .remains = remains_new()};
    keyspace_leave_to(world.keyspace, world.remains);
    struct record *record =
        keyspace_put_string(world.keyspace, one, BYTES_LITERAL("x"), STRING_EMBSTR, 77);
    for (size_t at = 0; at < length; at += PIECE) /* else they are zeros that need not be there */
        record = keyspace_write_string(world.keyspace, record, at, BYTES_LITERAL("y"));
    keyspace_write_string(world.keyspace, record, length - 1, BYTES_LITERAL("z"));
    return world;
}

static void ended(struct world *world) {
    keyspace_free(world->keyspace);
    remains_free(world->remains);
}

static struct record *find(const struct world *world, struct bytes key) {
    return keyspace_find(world->keyspace, key);
}

/* Where the pieces of a string stand. */
static void note_places(const struct record *record, const uint8_t *places[PIECES]) {
    for (size_t i = 0; i < PIECES; i++)
        places[i] = record_string_piece(record, i * PIECE, 1).data;
}

static unsigned moved_pieces(const struct record *record, const uint8_t *const places[PIECES]) {
    unsigned moved = 0;
    for (size_t i = 0; i < PIECES; i++)
        moved += record_string_piece(record, i * PIECE, 1).data != places[i];
    return moved;
}

/* Also when the copy has another name, or another expiry. */
static void test_copy_and_rename_move_no_piece(void **state) {
    (void)state;
    struct world world = started((size_t)PIECES * PIECE);
    const uint8_t *places[PIECES];
    note_places(find(&world, one), places);
    uint64_t hash = keyspace_hash(world.keyspace), bytes = keyspace_memory_bytes(world.keyspace);
    keyspace_rename(world.keyspace, one, other);
    assert_int_equal(moved_pieces(find(&world, other), places), 0);
    keyspace_rename(world.keyspace, other, one);
    assert_true(keyspace_hash(world.keyspace) == hash);
    keyspace_copy(world.keyspace, one, other);
    assert_int_equal(moved_pieces(find(&world, other), places), 0);
    keyspace_set_expiry(world.keyspace, find(&world, other), 0);
    assert_int_equal(moved_pieces(find(&world, other), places), 0);
    assert_in_range(keyspace_memory_bytes(world.keyspace), 2 * bytes - 65536, 2 * bytes);
    keyspace_delete(world.keyspace, one);
    assert_int_equal(moved_pieces(find(&world, other), places), 0);
    ended(&world);
}

/* APPEND and SETRANGE: of a string that is shared they copy the piece that they write to, and of
 * one that is not, nothing. */
static void test_a_write_moves_one_piece(void **state) {
    (void)state;
    for (int is_shared = 0; is_shared < 2; is_shared++) {
        struct world world = started((size_t)PIECES * PIECE - 1);
        const uint8_t *places[PIECES];
        note_places(find(&world, one), places);
        if (is_shared)
            keyspace_copy(world.keyspace, one, other);
        keyspace_write_string(world.keyspace, find(&world, one), 7 * (size_t)PIECE + 5, one);
        assert_int_equal(moved_pieces(find(&world, one), places), is_shared);
        keyspace_write_string(world.keyspace, find(&world, one), (size_t)PIECES * PIECE - 1, one);
        assert_int_equal(moved_pieces(find(&world, one), places), 2 * is_shared);
        assert_int_equal(record_string_length(find(&world, one)), (size_t)PIECES * PIECE + 3);
        assert_int_equal(record_expiry_ms(find(&world, one)), 77);
        if (is_shared)
            assert_int_equal(moved_pieces(find(&world, other), places), 0);
        ended(&world);
    }
}

/* SETRANGE far behind the end: what is between are zeros, and nobody wrote them. */
static void test_the_longest_string_at_once(void **state) {
    (void)state;
    struct world world = started(10);
    struct record *record =
        keyspace_write_string(world.keyspace, find(&world, one), ALL_BYTES - 1, BYTES_LITERAL("!"));
    assert_int_equal(record_string_length(record), ALL_BYTES);
    assert_int_equal(record_string_piece(record, 9, 1).data[0], 'z');
    assert_int_equal(record_string_piece(record, ALL_BYTES - 1, 9).data[0], '!');
    const uint8_t *zeros = record_string_piece(record, PIECE, 1).data;
    for (size_t at = PIECE; at < ALL_BYTES - PIECE; at += PIECE)
        assert_ptr_equal(record_string_piece(record, at, 1).data, zeros);
    assert_int_equal(zeros[0], 0);
    assert_true(keyspace_memory_bytes(world.keyspace) > ALL_BYTES);
    ended(&world);
}

static void test_it_goes_bit_by_bit(void **state) {
    (void)state;
    struct world world = started((size_t)PIECES * PIECE);
    assert_true(keyspace_delete(world.keyspace, one));
    assert_int_equal(remains_key_count(world.remains), 1);
    unsigned turns = 1;
    while (remains_free_some(world.remains, 4 * LONG_STRING_PIECE_ELEMENTS))
        turns++;
    assert_in_range(turns, PIECES / 4, PIECES / 4 + 2);
    ended(&world);
}

/* Up to the limit it stands in its record, and then no more; the hash does not know. */
static void test_becomes_long_at_the_limit(void **state) {
    (void)state;
    static uint8_t text[STRING_IN_RECORD_MAXIMUM + 1];
    for (size_t at = 0; at < sizeof text; at++)
        text[at] = (uint8_t)(at / 251 + at);
    for (size_t length = sizeof text - 1; length <= sizeof text; length++) {
        struct world world = started(5);
        struct record *record = find(&world, one);
        keyspace_write_string(world.keyspace, record, 0, bytes_of(text, 1000));
        record = find(&world, one);
        keyspace_write_string(world.keyspace, record, 1000, bytes_of(text + 1000, length - 1000));
        record = find(&world, one);
        assert_int_equal(record_is_long_string(record), length == sizeof text);
        assert_true(record_hash(record) ==
                    bytes_hash(bytes_of(text, length), record_hash_seed(record)));
        assert_string_equal(record_encoding_name(record), "raw");
        uint64_t hash = keyspace_hash(world.keyspace);
        keyspace_put_string(world.keyspace, one, bytes_of(text, length), STRING_RAW, 77);
        assert_true(keyspace_hash(world.keyspace) == hash);
        ended(&world);
    }
}

/* ---- against the model ---- */

struct copies {
    struct long_string *strings[COPIES];
    uint8_t models[COPIES][MODEL_BYTES];
    struct random random;
};

static unsigned below(struct copies *copies, unsigned limit) {
    return (unsigned)random_below(&copies->random, limit);
}

static void expect_equal(const struct long_string *string, const uint8_t *model) {
    static uint8_t text[MODEL_BYTES];
    size_t length = long_string_length(string);
    long_string_read(string, 0, text, length);
    assert_memory_equal(text, model, length);
    assert_true(long_string_hash(string, 9) == bytes_hash(bytes_of(model, length), 9));
}

static void write_some(struct copies *copies, unsigned which) {
    static uint8_t text[3 * PIECE];
    struct long_string *string = copies->strings[which];
    size_t offset = below(copies, MODEL_BYTES);
    size_t most = MODEL_BYTES - offset < sizeof text ? MODEL_BYTES - offset : sizeof text;
    size_t length = 1 + below(copies, below(copies, 2) ? 9 : (unsigned)most);
    length = length < most ? length : most;
    memset(text, 1 + (int)below(copies, 255), length);
    if (offset + length > long_string_length(string))
        long_string_extend(string, offset + length);
    long_string_write(string, offset, bytes_of(text, length));
    memcpy(copies->models[which] + offset, text, length);
}

static void copy_over(struct copies *copies, unsigned from, unsigned to) {
    size_t elements = 0;
    struct long_string *gone = copies->strings[to];
    if (from == to)
        return;
    copies->strings[to] = long_string_share(copies->strings[from]);
    memcpy(copies->models[to], copies->models[from], MODEL_BYTES);
    while (!long_string_free_some(gone, &elements))
        elements = 1 + below(copies, 50);
}

static void test_copies_go_their_own_ways(void **state) {
    (void)state;
    static struct copies copies;
    static uint8_t seen[MODEL_BYTES];
    for (uint64_t seed = 1; seed <= 10; seed++) {
        uint64_t kept_bytes = 0;
        struct long_string *view = NULL;
        random_init(&copies.random, seed);
        memset(copies.models, 0, sizeof copies.models);
        for (unsigned i = 0; i < COPIES; i++)
            copies.strings[i] = long_string_new(0);
        for (unsigned round = 0; round < 60; round++) {
            unsigned which = below(&copies, COPIES);
            if (view == NULL && below(&copies, 4) == 0) {
                memcpy(seen, copies.models[which], MODEL_BYTES);
                view = long_string_view(copies.strings[which], false, &kept_bytes);
            }
            write_some(&copies, below(&copies, COPIES));
            if (below(&copies, 3) == 0)
                copy_over(&copies, which, below(&copies, COPIES));
            expect_equal(copies.strings[which], copies.models[which]);
            if (view && below(&copies, 6) == 0) {
                expect_equal(view, seen);
                long_string_free(long_string_end_view(view));
                assert_int_equal(kept_bytes, 0);
                view = NULL;
            }
        }
        for (unsigned i = 0; i < COPIES; i++) {
            expect_equal(copies.strings[i], copies.models[i]);
            long_string_free(copies.strings[i]);
        }
        if (view)
            long_string_free(long_string_end_view(view));
        assert_int_equal(kept_bytes, 0);
    }
}

RUN_TESTS(cmocka_unit_test(test_copy_and_rename_move_no_piece),
          cmocka_unit_test(test_a_write_moves_one_piece),
          cmocka_unit_test(test_the_longest_string_at_once),
          cmocka_unit_test(test_it_goes_bit_by_bit),
          cmocka_unit_test(test_becomes_long_at_the_limit),
          cmocka_unit_test(test_copies_go_their_own_ways))
