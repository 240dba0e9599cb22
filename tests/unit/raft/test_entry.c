/* The bytes of an entry: a golden vector (docs/format/entry.md), and what decoding refuses. */
#include "../unit.h"

#include <stdlib.h>

#include "base/checksum.h"
#include "raft/events/entry.h"

static const uint8_t golden[] = {
    0x25, 0x00, 0x00, 0x00,                         /* length 37 */
    0xa7, 0x4a, 0x27, 0x99,                         /* crc32c of what follows */
    0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* term 7 */
    0x03, 0x02, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, /* index 0x010203 */
    0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* commands, version 1, reserved */
    'h',  'e',  'l',  'l',  'o',
};

static struct raft_entry *hello_new(void) {
    struct raft_entry *entry = raft_entry_new(5);
    memcpy(raft_entry_payload_room(entry), "hello", 5);
    raft_entry_seal(entry, 7, 0x010203, RAFT_ENTRY_COMMANDS);
    return entry;
}

static void test_golden(void **state) {
    (void)state;
    struct raft_entry *entry = hello_new();
    assert_int_equal(entry->length, sizeof golden);
    assert_memory_equal(entry->bytes, golden, sizeof golden);
    raft_entry_drop(entry);
}

/* What was gathered behind the room for it becomes the same entry, where it lies. */
static void test_taken_from_a_buffer(void **state) {
    (void)state;
    struct buffer gathered;
    buffer_init(&gathered, SIZE_MAX);
    assert_non_null(buffer_reserve(&gathered, RAFT_ENTRY_ROOM_BYTES + 5));
    buffer_grew(&gathered, RAFT_ENTRY_ROOM_BYTES);
    buffer_append_text(&gathered, "hello");
    const uint8_t *memory = buffer_data(&gathered);
    struct raft_entry *entry = raft_entry_take(&gathered);
    assert_ptr_equal(entry, memory);
    assert_int_equal(gathered.length, 0);
    raft_entry_seal(entry, 7, 0x010203, RAFT_ENTRY_COMMANDS);
    assert_int_equal(entry->length, sizeof golden);
    assert_memory_equal(entry->bytes, golden, sizeof golden);
    raft_entry_drop(entry);
    buffer_append_text(&gathered, "again");
    assert_true(bytes_equal(buffer_bytes(&gathered), BYTES_LITERAL("again")));
    buffer_release(&gathered);
}

static void test_decode(void **state) {
    (void)state;
    uint8_t two[2 * sizeof golden];
    memcpy(two, golden, sizeof golden);
    memcpy(two + sizeof golden, golden, sizeof golden);
    struct bytes in = bytes_of(two, sizeof two);
    struct raft_entry *entry;
    assert_int_equal(raft_entry_decode(&in, &entry), 0);
    assert_int_equal(in.length, sizeof golden);
    assert_ptr_equal(in.data, two + sizeof golden);
    assert_int_equal(entry->term, 7);
    assert_int_equal(entry->index, 0x010203);
    assert_int_equal(entry->kind, RAFT_ENTRY_COMMANDS);
    assert_true(bytes_equal(raft_entry_payload(entry), BYTES_LITERAL("hello")));
    assert_true(bytes_equal(raft_entry_bytes(entry), bytes_of(golden, sizeof golden)));
    raft_entry_drop(entry);
}

static int decode_error(const uint8_t *bytes, size_t length) {
    uint8_t *exact = malloc(length + 1); /* so that a read past the end is seen */
    memcpy(exact, bytes, length);
    struct bytes in = bytes_of(exact, length);
    struct raft_entry *entry = NULL;
    int error = raft_entry_decode(&in, &entry);
    if (error == 0)
        raft_entry_drop(entry);
    else
        assert_int_equal(in.length, length);
    free(exact);
    return error;
}

static void test_truncated(void **state) {
    (void)state;
    for (size_t length = 0; length < sizeof golden; length++)
        assert_int_equal(decode_error(golden, length), ERR_MALFORMED);
}

/* Any byte that changes is noticed. */
static void test_flipped(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof golden; i++) {
        uint8_t bytes[sizeof golden];
        memcpy(bytes, golden, sizeof golden);
        bytes[i] ^= 0x10;
        int error = decode_error(bytes, sizeof bytes);
        assert_true(error == ERR_DAMAGED || (i < 4 && error == ERR_MALFORMED));
    }
}

/* Sealed by somebody, but not what this release understands. */
static int resealed_error(size_t position, uint8_t value) {
    uint8_t bytes[sizeof golden];
    memcpy(bytes, golden, sizeof golden);
    bytes[position] = value;
    uint32_t checksum = checksum_crc32c(0, bytes_of(bytes + 8, sizeof bytes - 8));
    for (unsigned i = 0; i < 4; i++)
        bytes[4 + i] = (uint8_t)(checksum >> (8 * i));
    return decode_error(bytes, sizeof bytes);
}

static void test_refused(void **state) {
    (void)state;
    assert_int_equal(resealed_error(24, 2), 0);
    assert_int_equal(resealed_error(24, 3), ERR_MALFORMED);
    assert_int_equal(resealed_error(25, 2), ERR_VERSION);
    assert_int_equal(resealed_error(26, 1), ERR_MALFORMED);
    assert_int_equal(resealed_error(31, 1), ERR_MALFORMED);
    assert_int_equal(resealed_error(8, 0), ERR_MALFORMED);
}

static void test_references(void **state) {
    (void)state;
    struct raft_entry *entry = hello_new();
    assert_ptr_equal(raft_entry_keep(entry), entry);
    raft_entry_drop(entry);
    assert_int_equal(entry->index, 0x010203); /* still there */
    raft_entry_drop(entry);
}

RUN_TESTS(cmocka_unit_test(test_golden), cmocka_unit_test(test_taken_from_a_buffer),
          cmocka_unit_test(test_decode), cmocka_unit_test(test_truncated),
          cmocka_unit_test(test_flipped), cmocka_unit_test(test_refused),
          cmocka_unit_test(test_references))
