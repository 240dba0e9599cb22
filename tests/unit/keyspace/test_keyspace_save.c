/* Saving: the golden bytes, what is loaded is what was saved, and what save never writes is
 * refused. */
#include "unit.h"

#include "base/cursor.h"
#include "base/memory.h"
#include "keyspace/edit.h"
#include "keyspace/record/saver.h"
#include "keyspace/value/hash_kind.h"
#include "keyspace/value/hash_value.h"

enum { BLOCKS_MAXIMUM = 20000, SAVED_BYTES_MAXIMUM = 256 * 1024 * 1024 };

struct saved {
    struct buffer bytes;
    size_t ends[BLOCKS_MAXIMUM], count;
};

/* Where each block ends, by what it says of itself. */
static void find_ends(struct saved *saved) {
    saved->count = 0;
    struct cursor in = cursor_of(buffer_bytes(&saved->bytes));
    while (cursor_left(&in) > 0) {
        cursor_u8(&in);
        cursor_bytes(&in, (size_t)cursor_u64(&in));
        assert_false(in.is_failed);
        assert_true(saved->count < BLOCKS_MAXIMUM);
        saved->ends[saved->count++] = saved->bytes.length - cursor_left(&in);
    }
}

static void save(struct keyspace *keyspace, struct saved *saved) {
    uint64_t hash = 0;
    struct part_set all = {.parts = NULL};
    part_set_add_all(&all);
    keyspace_cut(keyspace, &all);
    buffer_init(&saved->bytes, SAVED_BYTES_MAXIMUM);
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        size_t length = saved->bytes.length;
        assert_true(keyspace_save_cut(keyspace, slot_whole((slot_number)slot), SIZE_MAX, SIZE_MAX,
                                      &saved->bytes, &hash) == CUT_SAVED_ALL);
        assert_int_equal(saved->bytes.length > length,
                         keyspace_slot_bytes(keyspace, (slot_number)slot) > 0);
    }
    keyspace_end_cut(keyspace);
    assert_int_equal(hash, keyspace_hash(keyspace));
    assert_false(saved->bytes.is_overflowed);
    find_ends(saved);
}

static struct bytes block_at(const struct saved *saved, size_t at) {
    size_t start = at ? saved->ends[at - 1] : 0;
    return bytes_of(buffer_data(&saved->bytes) + start, saved->ends[at] - start);
}

static int load_all(struct keyspace *keyspace, const struct saved *saved) {
    for (size_t at = 0; at < saved->count; at++) {
        int result = keyspace_load(keyspace, block_at(saved, at));
        if (result != 0)
            return result;
    }
    return 0;
}

static struct hash_value *hash_of(unsigned field_count) {
    struct hash_value *hash = hash_value_new();
    for (unsigned field = 0; field < field_count; field++) {
        char text[32];
        int length = snprintf(text, sizeof text, "field:%u", field);
        hash_value_set(hash, bytes_of(text, (size_t)length), bytes_of(text, 1), 1);
    }
    return hash;
}

static void expect_saved(struct keyspace *keyspace, struct bytes expected) {
    struct saved saved;
    save(keyspace, &saved);
    assert_int_equal(saved.count, 1);
    assert_int_equal(saved.bytes.length, expected.length);
    assert_memory_equal(buffer_data(&saved.bytes), expected.data, expected.length);
    buffer_release(&saved.bytes);
    keyspace_free(keyspace);
}

/* docs/format/keyspace.md, record by record. */
static void test_golden_bytes(void **state) {
    (void)state;
    struct keyspace *keyspace = keyspace_new(1);
    keyspace_put_string(keyspace, BYTES_LITERAL("key"), BYTES_LITERAL("42"), STRING_INT, 0);
    expect_saved(keyspace, BYTES_LITERAL("\x01\x0a\0\0\0\0\0\0\0"
                                         "\x00\x00\x00\x03"
                                         "key\x02"
                                         "42"));
    keyspace = keyspace_new(2);
    keyspace_put_string(keyspace, BYTES_LITERAL("k"), BYTES_LITERAL("text"), STRING_RAW,
                        0x0102030405060708);
    expect_saved(keyspace, BYTES_LITERAL("\x01\x12\0\0\0\0\0\0\0"
                                         "\x00\x01\x02\x01k"
                                         "\x08\x07\x06\x05\x04\x03\x02\x01\x04text"));
}

/* A hash of one field: type 4, and its kind's own bytes as the payload. */
static void test_golden_bytes_of_an_object(void **state) {
    (void)state;
    struct keyspace *keyspace = keyspace_new(1);
    struct hash_value *hash = hash_of(1);
    struct buffer expected;
    buffer_init(&expected, 1024);
    uint64_t position = 0;
    struct buffer piece;
    buffer_init(&piece, 1024);
    hash_value_kind.save(hash, &position, VALUE_SAVE_BYTES, &piece);
    buffer_append_u8(&expected, 1);
    buffer_append_u64(&expected, 5 + 1 + piece.length);
    buffer_append(&expected, "\x04\x00\x00\x01h", 5);
    buffer_append_length_prefixed(&expected, buffer_bytes(&piece));
    keyspace_put_object(keyspace, BYTES_LITERAL("h"), VALUE_HASH, hash, 0);
    expect_saved(keyspace, buffer_bytes(&expected));
    buffer_release(&expected);
    buffer_release(&piece);
}

/* ---- long strings ---- */

static struct keyspace *keyspace_of_a_long_string(size_t length, uint64_t expiry_ms) {
    struct keyspace *keyspace = keyspace_new(1);
    uint8_t *text = memory_allocate(length);
    for (size_t at = 0; at < length; at++)
        text[at] = (uint8_t)(at / 251 + at);
    keyspace_put_string(keyspace, BYTES_LITERAL("k"), bytes_of(text, length), STRING_RAW,
                        expiry_ms);
    memory_free(text);
    return keyspace;
}

/* What stands before each piece: block and record of the first, and the record of any other. */
static void expect_piece(struct cursor *in, struct bytes head, struct bytes piece) {
    struct bytes found = cursor_bytes(in, head.length);
    assert_int_equal(found.length, head.length);
    assert_memory_equal(found.data, head.data, head.length);
    assert_true(bytes_equal(cursor_length_prefixed(in, SIZE_MAX), piece));
}

/* Type, flags, encoding, key, the time if there is one, how long it is all in all, and then, as in
 * each record that follows, a piece. Two pieces of 32 KiB fill a block. */
static void test_golden_bytes_of_a_long_string(void **state) {
    (void)state;
    enum { LENGTH = SAVER_STRING_BYTES + 5, PIECES = SAVER_STRING_BYTES / VALUE_SAVE_BYTES + 1 };
    struct keyspace *keyspace = keyspace_of_a_long_string(LENGTH, 0x0102030405060708);
    const struct record *record = keyspace_find(keyspace, BYTES_LITERAL("k"));
    struct saved saved;
    save(keyspace, &saved);
    assert_int_equal(saved.count, PIECES / 2 + 1);
    struct bytes more = BYTES_LITERAL("\x00\x02\x02\x01k");
    for (unsigned number = 0; number < PIECES; number++) {
        struct cursor block = cursor_of(block_at(&saved, number / 2));
        assert_int_equal(cursor_u8(&block), 2);
        cursor_u64(&block);
        if (number % 2) /* the second of its block */
            cursor_bytes(&block, cursor_left(&block) - more.length - 3 - VALUE_SAVE_BYTES);
        size_t at = (size_t)number * VALUE_SAVE_BYTES;
        size_t length = number + 1 < PIECES ? VALUE_SAVE_BYTES : 5;
        expect_piece(&block,
                     number ? more
                            : BYTES_LITERAL("\x00\x05\x02\x01k"
                                            "\x08\x07\x06\x05\x04\x03\x02\x01\x85\x80\x40"),
                     record_string_piece(record, at, length));
        assert_int_equal(cursor_left(&block) == 0, number % 2 || number + 1 == PIECES);
    }
    struct keyspace *loaded = keyspace_new(2);
    assert_int_equal(load_all(loaded, &saved), 0);
    assert_true(keyspace_load_is_complete(loaded));
    assert_true(keyspace_hash(loaded) == keyspace_hash(keyspace));
    assert_int_equal(keyspace_memory_bytes(loaded), keyspace_memory_bytes(keyspace));
    assert_int_equal(keyspace_expiring_count(loaded), 1);
    buffer_release(&saved.bytes);
    keyspace_free(keyspace);
    keyspace_free(loaded);
}

/* One that is not too long, or any as long as not every node can read pieces, is one record in a
 * block that older releases know. */
static void test_a_string_that_is_saved_whole(void **state) {
    (void)state;
    for (int is_split = 0; is_split < 2; is_split++) {
        size_t length = SAVER_STRING_BYTES + (is_split ? 0 : 100);
        struct keyspace *keyspace = keyspace_of_a_long_string(length, 0);
        keyspace_split_strings(keyspace, is_split);
        struct saved saved;
        save(keyspace, &saved);
        assert_int_equal(saved.count, 1);
        assert_int_equal(buffer_data(&saved.bytes)[0], 1);
        assert_int_equal(saved.bytes.length, 9 + 5 + 3 + length);
        buffer_release(&saved.bytes);
        keyspace_free(keyspace);
    }
}

/* A string of which pieces are to come is no key yet, and ends early if nothing comes; clearing
 * forgets it. */
static void test_a_long_string_that_ends_early(void **state) {
    (void)state;
    struct keyspace *keyspace = keyspace_of_a_long_string(SAVER_STRING_BYTES + 100, 9);
    struct saved saved;
    save(keyspace, &saved);
    struct keyspace *loaded = keyspace_new(1);
    for (int round = 0; round < 2; round++) {
        for (size_t at = 0; at + 1 < saved.count; at++) {
            assert_int_equal(keyspace_load(loaded, block_at(&saved, at)), 0);
            assert_false(keyspace_load_is_complete(loaded));
            assert_int_equal(keyspace_key_count(loaded), 0);
        }
        keyspace_clear(loaded);
        assert_true(keyspace_load_is_complete(loaded));
    }
    assert_int_equal(load_all(loaded, &saved), 0);
    assert_true(keyspace_load_is_complete(loaded));
    buffer_release(&saved.bytes);
    keyspace_free(loaded);
    keyspace_free(keyspace);
}

static struct keyspace *keyspace_of_everything(uint64_t hash_seed, bool is_reversed) {
    enum { KEYS = 4000 };
    struct keyspace *keyspace = keyspace_new(hash_seed);
    for (unsigned at = 0; at < KEYS; at++) {
        unsigned key = is_reversed ? KEYS - 1 - at : at;
        char name[32];
        struct bytes bytes = bytes_of(name, (size_t)snprintf(name, sizeof name, "key:%u", key));
        uint64_t expiry_ms = key % 4 ? 0 : 1000 + key;
        if (key % 5 == 0)
            keyspace_put_object(keyspace, bytes, VALUE_HASH, hash_of(1 + key % 40), expiry_ms);
        else
            keyspace_put_string(keyspace, bytes, bytes, STRING_EMBSTR, expiry_ms);
    }
    /* One hash and one string longer than a block. */
    keyspace_put_object(keyspace, BYTES_LITERAL("long"), VALUE_HASH, hash_of(20000), 77);
    struct record *record =
        keyspace_put_string(keyspace, BYTES_LITERAL("large"), BYTES_NONE, STRING_RAW, 0);
    keyspace_write_string(keyspace, record, 299999, BYTES_LITERAL("x"));
    return keyspace;
}

/* What is loaded is what was saved, in memory too; its hash is the same, whatever the seed and the
 * order of insertion, and one changed byte or expiry changes it. */
static void test_what_is_loaded_was_saved(void **state) {
    (void)state;
    struct keyspace *keyspace = keyspace_of_everything(1, false);
    struct keyspace *reversed = keyspace_of_everything(2, true);
    struct keyspace *loaded = keyspace_new(3);
    uint64_t hash = keyspace_hash(keyspace);
    assert_true(keyspace_hash(reversed) == hash);
    struct saved saved;
    save(keyspace, &saved);
    assert_true(saved.count > 3);
    unsigned full_count = 0;
    for (size_t at = 0; at < saved.count; at++)
        full_count += block_at(&saved, at).length >= 64 * 1024;
    assert_in_range(full_count, 3, 20);
    assert_int_equal(load_all(loaded, &saved), 0);
    assert_true(keyspace_hash(loaded) == hash);
    assert_int_equal(keyspace_key_count(loaded), keyspace_key_count(keyspace));
    assert_int_equal(keyspace_expiring_count(loaded), keyspace_expiring_count(keyspace));
    const struct record *record = keyspace_find(loaded, BYTES_LITERAL("long"));
    assert_int_equal(record_expiry_ms(record), 77);
    assert_int_equal(hash_value_count(record_object(record)), 20000);
    assert_string_equal(record_encoding_name(keyspace_find(loaded, BYTES_LITERAL("key:1"))),
                        "embstr");

    struct record *changed = keyspace_find(loaded, BYTES_LITERAL("key:1"));
    changed = keyspace_write_string(loaded, changed, 0, BYTES_LITERAL("K"));
    assert_true(keyspace_hash(loaded) != hash);
    changed = keyspace_write_string(loaded, changed, 0, BYTES_LITERAL("k"));
    assert_true(keyspace_hash(loaded) == hash);
    keyspace_set_expiry(loaded, changed, 5);
    assert_true(keyspace_hash(loaded) != hash);
    buffer_release(&saved.bytes);
    keyspace_free(keyspace);
    keyspace_free(reversed);
    keyspace_free(loaded);
}

/* `records` follow the header of a block. */
static void expect_refused(uint8_t version, struct bytes records, int expected) {
    struct keyspace *keyspace = keyspace_new(1);
    struct buffer block;
    buffer_init(&block, 1024);
    buffer_append_u8(&block, version);
    buffer_append_u64(&block, records.length);
    buffer_append_bytes(&block, records);
    assert_int_equal(keyspace_load(keyspace, buffer_bytes(&block)), expected);
    buffer_release(&block);
    keyspace_free(keyspace);
}

#define REFUSED(expected, text)        expect_refused(1, BYTES_LITERAL(text), expected)
#define PIECES_REFUSED(expected, text) expect_refused(2, BYTES_LITERAL(text), expected)

static void test_refuses_what_save_never_writes(void **state) {
    (void)state;
    REFUSED(0, "");
    REFUSED(ERR_MALFORMED, "\x00\x00\x00\x03ke");
    REFUSED(ERR_MALFORMED, "\x00\x00\x00\x01k\x05text");
    REFUSED(ERR_MALFORMED, "\x00\x00\x00\x01k\x01x"); /* says int, is none */
    REFUSED(ERR_MALFORMED, "\x00\x00\x00\x01k\x02"
                           "01");                                           /* nor is this */
    REFUSED(ERR_MALFORMED, "\x00\x00\x03\x01k\x01x");                       /* no such encoding */
    REFUSED(ERR_MALFORMED, "\x00\x04\x02\x01k\x01x");                       /* no such flag */
    REFUSED(ERR_MALFORMED, "\x00\x02\x02\x01k\x01x");                       /* no second part */
    REFUSED(ERR_MALFORMED, "\x00\x01\x02\x01k\0\0\0\0\0\0\0\0\x01x");       /* a time of 0 */
    REFUSED(ERR_MALFORMED, "\x00\x00\x02\x01k\x01x\x00\x00\x02\x01k\x01x"); /* twice */
    REFUSED(ERR_VERSION, "\x01\x00\x00\x01k\x01x");                         /* a list: not yet */
    REFUSED(ERR_VERSION, "\x63\x00\x00\x01k\x01x");
    REFUSED(ERR_MALFORMED, "\x04\x02\x00\x01k\x01x"); /* goes on with nothing */
    REFUSED(ERR_MALFORMED, "\x00\x00\x02\x01k\x01x\x04\x02\x00\x01k\x01x"); /* with a string */
    REFUSED(ERR_MALFORMED, "\x04\x00\x00\x01k\x00");                        /* no fields */
    struct keyspace *keyspace = keyspace_new(1);
    assert_int_equal(keyspace_load(keyspace, BYTES_LITERAL("\x03")), ERR_VERSION);
    assert_int_equal(keyspace_load(keyspace, BYTES_LITERAL("\x00")), ERR_VERSION);
    keyspace_free(keyspace);
}

#define FIRST "\x00\x04\x02\x01k\x06\x03"
#define MORE  "\x00\x02\x02\x01k"

static void test_refuses_pieces_that_save_never_writes(void **state) {
    (void)state;
    PIECES_REFUSED(0, FIRST "abc" MORE "\x03"
                            "def");
    PIECES_REFUSED(0, FIRST "abc" MORE "\x01"
                            "d");                            /* the rest may come */
    REFUSED(ERR_MALFORMED, FIRST "abc");                     /* not in this version */
    PIECES_REFUSED(ERR_MALFORMED, "\x00\x08\x02\x01k\x01x"); /* no such flag */
    PIECES_REFUSED(ERR_MALFORMED, "\x00\x06\x02\x01k\x06\x03"
                                  "abc"); /* first and not first */
    PIECES_REFUSED(ERR_MALFORMED, "\x04\x04\x01\x01k\x06\x03"
                                  "abc"); /* no string */
    PIECES_REFUSED(ERR_MALFORMED, "\x00\x04\x00\x01k\x06\x03"
                                  "123"); /* a number is not so long */
    PIECES_REFUSED(ERR_MALFORMED, "\x00\x04\x02\x01k\x03\x03"
                                  "abc");                       /* all of it */
    PIECES_REFUSED(ERR_MALFORMED, "\x00\x04\x02\x01k\x03\x00"); /* none of it */
    PIECES_REFUSED(ERR_MALFORMED, "\x00\x04\x02\x01k\x81\x80\x80\x80\x02\x03"
                                  "abc"); /* more than a string may hold */
    PIECES_REFUSED(ERR_MALFORMED, FIRST "abc" MORE "\x04"
                                        "defg"); /* more than it said */
    PIECES_REFUSED(ERR_MALFORMED, FIRST "abc" MORE "\x00");
    PIECES_REFUSED(ERR_MALFORMED, FIRST "abc" FIRST "abc");
    PIECES_REFUSED(ERR_MALFORMED, FIRST "abc"
                                        "\x00\x02\x02\x01l\x03"
                                        "def"); /* of another key */
    PIECES_REFUSED(ERR_MALFORMED, FIRST "abc"
                                        "\x00\x00\x02\x01l\x01x"); /* another key in between */
    PIECES_REFUSED(ERR_MALFORMED, FIRST "abc"
                                        "\x00\x03\x02\x01k\1\0\0\0\0\0\0\0\x03"
                                        "def"); /* a time too late */
    PIECES_REFUSED(ERR_MALFORMED, FIRST "abc" MORE "\x03"
                                        "def" MORE "\x01"
                                        "g");                            /* it was whole */
    PIECES_REFUSED(ERR_MALFORMED, "\x00\x00\x02\x01k\x01x" FIRST "abc"); /* it is there */
}

/* A stream of blocks, cut anywhere into frames of any length, loads the same. */
static void test_cut_into_any_frames(void **state) {
    (void)state;
    static const size_t frame_bytes[] = {1, 7, 1000, 65536, 1 << 20};
    struct keyspace *keyspace = keyspace_of_everything(1, false);
    struct saved saved;
    save(keyspace, &saved);
    struct bytes whole = buffer_bytes(&saved.bytes);
    for (size_t at = 0; at < sizeof frame_bytes / sizeof frame_bytes[0]; at++) {
        struct keyspace *loaded = keyspace_new(1);
        for (size_t start = 0; start < whole.length; start += frame_bytes[at]) {
            size_t left = whole.length - start;
            size_t length = left < frame_bytes[at] ? left : frame_bytes[at];
            assert_int_equal(keyspace_load(loaded, bytes_of(whole.data + start, length)), 0);
        }
        assert_true(keyspace_load_is_complete(loaded));
        assert_true(keyspace_hash(loaded) == keyspace_hash(keyspace));
        keyspace_free(loaded);
    }
    buffer_release(&saved.bytes);
    keyspace_free(keyspace);
}

/* A stream that ends early is known to be incomplete, and clearing forgets it. */
static void test_ends_early(void **state) {
    (void)state;
    struct keyspace *keyspace = keyspace_new(1);
    keyspace_put_string(keyspace, BYTES_LITERAL("a"), BYTES_LITERAL("1"), STRING_INT, 99);
    keyspace_put_object(keyspace, BYTES_LITERAL("{a}b"), VALUE_HASH, hash_of(3), 0);
    struct saved saved;
    save(keyspace, &saved);
    struct keyspace *loaded = keyspace_new(1);
    for (size_t length = 1; length < saved.bytes.length; length++) {
        uint8_t *cut = memory_copy(buffer_data(&saved.bytes), length);
        assert_int_equal(keyspace_load(loaded, bytes_of(cut, length)), 0);
        assert_false(keyspace_load_is_complete(loaded));
        assert_int_equal(keyspace_key_count(loaded), 0);
        keyspace_clear(loaded);
        assert_true(keyspace_load_is_complete(loaded));
        memory_free(cut);
    }
    keyspace_free(loaded);
    buffer_release(&saved.bytes);
    keyspace_free(keyspace);
}

/* Two replicas that hold the same, come to in another order and under another seed, write the same
 * bytes, so that they know what they have in common. */
static void test_equal_replicas_write_equal_bytes(void **state) {
    (void)state;
    struct saved saved[2];
    for (unsigned replica = 0; replica < 2; replica++) {
        struct keyspace *keyspace = keyspace_new(replica);
        for (unsigned at = 0; at < 500; at++) {
            char name[32];
            int length = snprintf(name, sizeof name, "{tag}%u", replica ? 499 - at : at);
            keyspace_put_string(keyspace, bytes_of(name, (size_t)length), BYTES_LITERAL("v"),
                                STRING_EMBSTR, 0);
        }
        save(keyspace, &saved[replica]);
        keyspace_free(keyspace);
    }
    assert_true(bytes_equal(buffer_bytes(&saved[0].bytes), buffer_bytes(&saved[1].bytes)));
    buffer_release(&saved[0].bytes);
    buffer_release(&saved[1].bytes);
}

/* Whatever changes a slot, its watcher is told. */
static void test_a_watch_is_told_of_every_change(void **state) {
    (void)state;
    static const char *const keys[] = {"a", "b", "c", "d", "e", "f"};
    struct bytes h = BYTES_LITERAL("h");
    struct slot_watch watch = {0};
    struct keyspace *keyspace = keyspace_new(1);
    for (unsigned i = 0; i < 6; i++)
        keyspace_put_string(keyspace, bytes_of_text(keys[i]), BYTES_LITERAL("1"), STRING_INT, 9);
    keyspace_put_object(keyspace, h, VALUE_HASH, hash_of(3), 0);
    keyspace_watch(keyspace, &watch);
    keyspace_put_string(keyspace, bytes_of_text("a"), BYTES_LITERAL("2"), STRING_INT, 0);
    keyspace_put_string(keyspace, bytes_of_text("a"), BYTES_LITERAL("3"), STRING_INT, 0);
    assert_int_equal(slot_set_count(&watch.changed.slots), 1);
    keyspace_write_string(keyspace, keyspace_find(keyspace, bytes_of_text("b")), 9, h);
    keyspace_set_expiry(keyspace, keyspace_find(keyspace, bytes_of_text("c")), 0);
    keyspace_delete(keyspace, bytes_of_text("d"));
    keyspace_rename(keyspace, bytes_of_text("e"), bytes_of_text("x"));
    struct record *record = keyspace_find(keyspace, h);
    hash_value_set(keyspace_object_to_change(keyspace, record), h, h, 1);
    assert_int_equal(slot_set_count(&watch.changed.slots), 7); /* with x, which was empty */
    keyspace_clear(keyspace);
    assert_int_equal(slot_set_count(&watch.changed.slots), 8);
    keyspace_put_object(keyspace, BYTES_LITERAL("hash"), VALUE_HASH, hash_value_new(), 0);
    part_set_clear(&watch.changed);
    keyspace_rename(keyspace, BYTES_LITERAL("hash"), BYTES_LITERAL("renamed"));
    assert_true(slot_set_has(&watch.changed.slots, slot_of_key(BYTES_LITERAL("hash"))));
    assert_true(slot_set_has(&watch.changed.slots, slot_of_key(BYTES_LITERAL("renamed"))));
    keyspace_free(keyspace);
}

RUN_TESTS(cmocka_unit_test(test_equal_replicas_write_equal_bytes),
          cmocka_unit_test(test_a_watch_is_told_of_every_change),
          cmocka_unit_test(test_golden_bytes), cmocka_unit_test(test_golden_bytes_of_an_object),
          cmocka_unit_test(test_what_is_loaded_was_saved),
          cmocka_unit_test(test_refuses_what_save_never_writes),
          cmocka_unit_test(test_golden_bytes_of_a_long_string),
          cmocka_unit_test(test_a_string_that_is_saved_whole),
          cmocka_unit_test(test_a_long_string_that_ends_early),
          cmocka_unit_test(test_refuses_pieces_that_save_never_writes),
          cmocka_unit_test(test_cut_into_any_frames), cmocka_unit_test(test_ends_early))
