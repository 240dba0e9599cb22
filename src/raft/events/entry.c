#include "raft/events/entry.h"

#include "base/check.h"
#include "base/checksum.h"
#include "base/cursor.h"
#include "base/memory.h"

enum { PAYLOAD_BYTES_MAXIMUM = UINT32_MAX - RAFT_ENTRY_HEADER_BYTES };

struct raft_entry *raft_entry_new(size_t payload_bytes) {
    CHECK(payload_bytes <= PAYLOAD_BYTES_MAXIMUM);
    size_t length = RAFT_ENTRY_HEADER_BYTES + payload_bytes;
    struct raft_entry *entry = memory_allocate(sizeof *entry + length);
    *entry = (struct raft_entry){.reference_count = 1, .length = (uint32_t)length};
    return entry;
}

struct raft_entry *raft_entry_take(struct buffer *gathered) {
    CHECK(gathered->length >= RAFT_ENTRY_ROOM_BYTES);
    size_t payload_bytes = gathered->length - RAFT_ENTRY_ROOM_BYTES;
    CHECK(payload_bytes <= PAYLOAD_BYTES_MAXIMUM);
    struct raft_entry *entry = (struct raft_entry *)(void *)buffer_take(gathered);
    uint32_t length = (uint32_t)(RAFT_ENTRY_HEADER_BYTES + payload_bytes);
    *entry = (struct raft_entry){.reference_count = 1, .length = length};
    return entry;
}

uint8_t *raft_entry_payload_room(struct raft_entry *entry) {
    return entry->bytes + RAFT_ENTRY_HEADER_BYTES;
}

static void put_little_endian(uint8_t *to, uint64_t value, unsigned byte_count) {
    for (unsigned i = 0; i < byte_count; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t entry_checksum(const uint8_t *bytes, size_t length) {
    return checksum_crc32c(
        0, bytes_of(bytes + RAFT_ENTRY_CHECKED_FROM, length - RAFT_ENTRY_CHECKED_FROM));
}

void raft_entry_seal(struct raft_entry *entry, raft_term term, raft_index index,
                     enum raft_entry_kind kind) {
    CHECK(term > 0);
    CHECK(index > 0);
    entry->term = term;
    entry->index = index;
    entry->kind = kind;
    put_little_endian(entry->bytes, entry->length, 4);
    put_little_endian(entry->bytes + 8, term, 8);
    put_little_endian(entry->bytes + 16, index, 8);
    entry->bytes[24] = (uint8_t)kind;
    entry->bytes[25] = RAFT_ENTRY_VERSION;
    memset(entry->bytes + 26, 0, 6);
    put_little_endian(entry->bytes + 4, entry_checksum(entry->bytes, entry->length), 4);
}

int raft_entry_decode(struct bytes *in, struct raft_entry **out) {
    struct cursor cursor = cursor_of(*in);
    uint32_t length = cursor_u32(&cursor);
    uint32_t checksum = cursor_u32(&cursor);
    raft_term term = cursor_u64(&cursor);
    raft_index index = cursor_u64(&cursor);
    uint8_t kind = cursor_u8(&cursor);
    uint8_t version = cursor_u8(&cursor);
    uint16_t reserved_16 = cursor_u16(&cursor);
    uint32_t reserved_32 = cursor_u32(&cursor);
    if (cursor.is_failed || length < RAFT_ENTRY_HEADER_BYTES || length > in->length)
        return ERR_MALFORMED;
    if (entry_checksum(in->data, length) != checksum)
        return ERR_DAMAGED;
    if (version != RAFT_ENTRY_VERSION)
        return ERR_VERSION;
    if (kind > RAFT_ENTRY_CONFIGURATION || reserved_16 != 0 || reserved_32 != 0 || term == 0 ||
        index == 0)
        return ERR_MALFORMED;
    struct raft_entry *entry = raft_entry_new(length - RAFT_ENTRY_HEADER_BYTES);
    memcpy(entry->bytes, in->data, length);
    entry->term = term;
    entry->index = index;
    entry->kind = (enum raft_entry_kind)kind;
    *in = bytes_of(in->data + length, in->length - length);
    *out = entry;
    return 0;
}

uint32_t raft_entry_checksum(const struct raft_entry *entry) {
    struct cursor cursor = cursor_of(bytes_of(entry->bytes + 4, 4));
    return cursor_u32(&cursor);
}

struct raft_entry *raft_entry_keep(struct raft_entry *entry) {
    CHECK(entry->reference_count > 0);
    CHECK(entry->reference_count < UINT32_MAX);
    entry->reference_count++;
    return entry;
}

void raft_entry_drop(struct raft_entry *entry) {
    CHECK(entry->reference_count > 0);
    if (--entry->reference_count == 0)
        memory_free(entry);
}
