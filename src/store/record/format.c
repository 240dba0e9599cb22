#include "store/record/format.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/cursor.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum {
    OFFSET_HEADER_CRC = 0,
    OFFSET_RECORD_CRC = 4,
    OFFSET_MAGIC = 8,
    OFFSET_VERSION = 12,
    OFFSET_KIND = 13,
    OFFSET_FLAGS = 14,
    OFFSET_SEGMENT = 16,
    OFFSET_RECORD = 24,
    OFFSET_ROUND = 32,
    OFFSET_SHARD = 40,
    OFFSET_PAYLOAD_BYTES = 44,
    OFFSET_INDEX = 48,
    OFFSET_LIFE = 56,
};
static_assert(OFFSET_LIFE + 8 == WAL_HEADER_BYTES, "the header ends behind the life");
static_assert(WAL_HEADER_BYTES % WAL_RECORD_ALIGNMENT_BYTES == 0, "payloads begin aligned");

static const uint8_t wal_magic[4] = {'T', 'W', 'A', 'L'};

static void put_u32(uint8_t *at, uint32_t value) {
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static void put_u64(uint8_t *at, uint64_t value) {
    put_u32(at, (uint32_t)value);
    put_u32(at + 4, (uint32_t)(value >> 32));
}

size_t wal_record_bytes(uint32_t payload_bytes) {
    size_t padded = ((size_t)payload_bytes + WAL_RECORD_ALIGNMENT_BYTES - 1) &
                    ~(size_t)(WAL_RECORD_ALIGNMENT_BYTES - 1);
    return WAL_HEADER_BYTES + padded;
}

void wal_record_append(struct buffer *out, enum wal_kind kind, uint32_t shard, uint64_t index,
                       struct bytes payload) {
    const struct wal_lent nothing = {.crc32c = 0};
    wal_record_append_front(out, kind, shard, index, payload, &nothing);
}

/* Until it is sealed a record's own checksum and round are of no use: they say what is left out. */
void wal_record_append_front(struct buffer *out, enum wal_kind kind, uint32_t shard, uint64_t index,
                             struct bytes front, const struct wal_lent *lent) {
    size_t payload_bytes = front.length + lent->bytes.length;
    CHECK(payload_bytes <= WAL_PAYLOAD_MAXIMUM_BYTES);
    CHECK(shard < WAL_SHARD_MAXIMUM);
    size_t bytes = wal_record_bytes((uint32_t)payload_bytes) - lent->bytes.length;
    uint8_t *record = buffer_reserve(out, bytes);
    if (record == NULL)
        return;
    memset(record, 0, WAL_HEADER_BYTES);
    memcpy(record + OFFSET_MAGIC, wal_magic, sizeof wal_magic);
    record[OFFSET_VERSION] = WAL_VERSION;
    record[OFFSET_KIND] = (uint8_t)kind;
    put_u32(record + OFFSET_SHARD, shard);
    put_u32(record + OFFSET_PAYLOAD_BYTES, (uint32_t)payload_bytes);
    put_u64(record + OFFSET_INDEX, index);
    put_u32(record + OFFSET_RECORD_CRC, lent->crc32c);
    put_u32(record + OFFSET_ROUND, (uint32_t)lent->bytes.length);
    if (front.length)
        memcpy(record + WAL_HEADER_BYTES, front.data, front.length);
    memset(record + WAL_HEADER_BYTES + front.length, 0, bytes - WAL_HEADER_BYTES - front.length);
    buffer_grew(out, bytes);
}

void wal_record_peek(const uint8_t *record, struct wal_header *header) {
    struct cursor cursor = cursor_of(bytes_of(record + OFFSET_SHARD, 16));
    *header = (struct wal_header){.kind = (enum wal_kind)record[OFFSET_KIND]};
    header->shard = cursor_u32(&cursor);
    header->payload_bytes = cursor_u32(&cursor);
    header->index = cursor_u64(&cursor);
}

size_t wal_record_bytes_at(const uint8_t *record) {
    struct wal_header header;
    wal_record_peek(record, &header);
    return wal_record_bytes(header.payload_bytes);
}

static bool is_zero(struct bytes bytes) {
    for (size_t i = 0; i < bytes.length; i++)
        if (bytes.data[i] != 0)
            return false;
    return true;
}

/* Where no header fits any more there are zeros, or a rest of the former life. */
bool wal_is_cut_short(struct bytes segment, size_t offset, bool is_recycled,
                      const struct wal_header *header) {
    size_t left = segment.length > offset ? segment.length - offset : 0;
    if (header)
        return wal_record_bytes(header->payload_bytes) > left;
    if (offset == 0)
        return left < WAL_SEGMENT_MINIMUM_BYTES;
    return left < WAL_HEADER_BYTES && !is_recycled &&
           !is_zero(bytes_of(segment.data + segment.length - left, left));
}

static uint32_t get_u32(const uint8_t *at) {
    struct cursor cursor = cursor_of(bytes_of(at, 4));
    return cursor_u32(&cursor);
}

uint32_t wal_record_lent_bytes(const uint8_t *record) { return get_u32(record + OFFSET_ROUND); }

/* The part of a record that its chained checksum covers. */
static struct bytes record_chained_part(const uint8_t *record, uint32_t payload_bytes) {
    return bytes_of(record + OFFSET_MAGIC, wal_record_bytes(payload_bytes) - OFFSET_MAGIC);
}

/* Of a header of `bytes` bytes. */
static uint32_t header_crc32c(const uint8_t *record, size_t bytes) {
    return checksum_crc32c(0, bytes_of(record + OFFSET_RECORD_CRC, bytes - OFFSET_RECORD_CRC));
}

/* Fills in all but the checksums. */
static void place_record(uint8_t *record, const struct wal_header *header) {
    record[OFFSET_FLAGS] = (uint8_t)((header->is_last_of_round ? WAL_FLAG_LAST_OF_ROUND : 0) |
                                     (header->is_recycled ? WAL_FLAG_RECYCLED : 0));
    put_u64(record + OFFSET_SEGMENT, header->segment);
    put_u64(record + OFFSET_RECORD, header->record);
    put_u64(record + OFFSET_ROUND, header->round);
    put_u64(record + OFFSET_LIFE, header->life);
}

static void put_checksums(uint8_t *record, uint32_t chain) {
    put_u32(record + OFFSET_RECORD_CRC, chain);
    put_u32(record + OFFSET_HEADER_CRC, header_crc32c(record, WAL_HEADER_BYTES));
}

void wal_record_seal(uint8_t *record, const struct wal_header *header, uint32_t *chain) {
    place_record(record, header);
    *chain = checksum_crc32c(*chain, record_chained_part(record, header->payload_bytes));
    put_checksums(record, *chain);
}

/* Over what stands before the lent bytes, those, and the padding, which stands at their place. */
void wal_record_seal_appended(uint8_t *record, const struct wal_header *header, uint32_t *chain) {
    uint32_t lent_crc32c = get_u32(record + OFFSET_RECORD_CRC);
    uint32_t lent_bytes = wal_record_lent_bytes(record);
    if (lent_bytes == 0) {
        wal_record_seal(record, header, chain);
        return;
    }
    CHECK(lent_bytes <= header->payload_bytes);
    place_record(record, header);
    struct bytes part = record_chained_part(record, header->payload_bytes);
    part.length -= lent_bytes;
    size_t front_bytes = WAL_HEADER_BYTES - OFFSET_MAGIC + header->payload_bytes - lent_bytes;
    *chain = checksum_crc32c(*chain, bytes_of(part.data, front_bytes));
    *chain = checksum_crc32c_join(*chain, lent_crc32c, lent_bytes);
    *chain = checksum_crc32c(*chain, bytes_of(part.data + front_bytes, part.length - front_bytes));
    put_checksums(record, *chain);
}

static int header_check(const struct wal_header *header, uint8_t flags, uint8_t reserved) {
    int possible =
        WAL_FLAG_LAST_OF_ROUND | (header->kind == WAL_CHECKPOINT ? WAL_FLAG_RECYCLED : 0);
    bool is_sound = header->kind >= WAL_ENTRY && header->kind < WAL_KIND_END && reserved == 0 &&
                    (flags & ~possible) == 0 && header->shard < WAL_SHARD_MAXIMUM &&
                    header->payload_bytes <= WAL_PAYLOAD_MAXIMUM_BYTES;
    return is_sound ? 0 : ERR_DAMAGED;
}

/* Version 1 had no life. Its header is known by its own checksum, so that a log of then is called
 * by its name and not torn. */
static bool is_first_version(const uint8_t *record) {
    enum { HEADER_BYTES = 56 };
    struct cursor crc = cursor_of(bytes_of(record, OFFSET_RECORD_CRC));
    return record[OFFSET_VERSION] == 1 && cursor_u32(&crc) == header_crc32c(record, HEADER_BYTES);
}

int wal_header_decode(struct bytes bytes, struct wal_header *header) {
    if (bytes.length < WAL_HEADER_BYTES ||
        memcmp(bytes.data + OFFSET_MAGIC, wal_magic, sizeof wal_magic) != 0)
        return ERR_MALFORMED;
    struct cursor cursor = cursor_of(bytes_of(bytes.data, WAL_HEADER_BYTES));
    if (cursor_u32(&cursor) != header_crc32c(bytes.data, WAL_HEADER_BYTES))
        return is_first_version(bytes.data) ? ERR_VERSION : ERR_MALFORMED;
    *header = (struct wal_header){.record_crc32c = cursor_u32(&cursor)};
    cursor_u32(&cursor); /* the magic */
    if (cursor_u8(&cursor) != WAL_VERSION)
        return ERR_VERSION;
    header->kind = (enum wal_kind)cursor_u8(&cursor);
    uint8_t flags = cursor_u8(&cursor);
    uint8_t reserved = cursor_u8(&cursor);
    header->is_last_of_round = flags & WAL_FLAG_LAST_OF_ROUND;
    header->is_recycled = flags & WAL_FLAG_RECYCLED;
    header->segment = cursor_u64(&cursor);
    header->record = cursor_u64(&cursor);
    header->round = cursor_u64(&cursor);
    header->shard = cursor_u32(&cursor);
    header->payload_bytes = cursor_u32(&cursor);
    header->index = cursor_u64(&cursor);
    header->life = cursor_u64(&cursor);
    return header_check(header, flags, reserved);
}

bool wal_record_verify(struct bytes bytes, const struct wal_header *header, uint32_t chain) {
    size_t record_bytes = wal_record_bytes(header->payload_bytes);
    if (record_bytes > bytes.length)
        return false;
    struct bytes part = record_chained_part(bytes.data, header->payload_bytes);
    return checksum_crc32c(chain, part) == header->record_crc32c;
}

void wal_state_encode(uint8_t out[WAL_STATE_PAYLOAD_BYTES], const struct wal_state *state) {
    put_u64(out, state->term);
    put_u32(out + 8, state->vote);
    put_u32(out + 12, 0);
}

int wal_state_decode(struct wal_state *state, struct bytes payload) {
    struct cursor cursor = cursor_of(payload);
    state->term = cursor_u64(&cursor);
    state->vote = cursor_u32(&cursor);
    bool is_padded = cursor_u32(&cursor) == 0;
    return is_padded ? cursor_finish(&cursor) : ERR_MALFORMED;
}

void wal_snapshot_encode(uint8_t out[WAL_SNAPSHOT_PAYLOAD_BYTES], uint64_t term) {
    put_u64(out, term);
}

int wal_snapshot_decode(uint64_t *term, struct bytes payload) {
    struct cursor cursor = cursor_of(payload);
    *term = cursor_u64(&cursor);
    return cursor_finish(&cursor);
}

/* Names are a prefix and ten digits or more, as one would write the number. */
static void numbered_name(const char *prefix, uint64_t number, char out[DISK_NAME_MAXIMUM]) {
    snprintf(out, DISK_NAME_MAXIMUM, "%s%010" PRIu64, prefix, number);
}

static bool numbered_name_parse(const char *prefix, const char *name, uint64_t *out) {
    if (strncmp(name, prefix, strlen(prefix)) != 0)
        return false;
    uint64_t number = 0;
    for (const char *at = name + strlen(prefix); *at; at++) {
        if (*at < '0' || *at > '9' || number > UINT64_MAX / 10 - 1)
            return false;
        number = number * 10 + (uint64_t)(*at - '0');
    }
    char canonical[DISK_NAME_MAXIMUM];
    numbered_name(prefix, number, canonical);
    *out = number;
    return number > 0 && strcmp(canonical, name) == 0;
}

static const char segment_prefix[] = "wal-", spare_prefix[] = "wal-spare-";

void wal_segment_name(uint64_t segment, char out[DISK_NAME_MAXIMUM]) {
    numbered_name(segment_prefix, segment, out);
}
bool wal_segment_name_parse(const char *name, uint64_t *segment) {
    return numbered_name_parse(segment_prefix, name, segment);
}
void wal_spare_name(uint64_t spare, char out[DISK_NAME_MAXIMUM]) {
    numbered_name(spare_prefix, spare, out);
}
bool wal_spare_name_parse(const char *name, uint64_t *spare) {
    return numbered_name_parse(spare_prefix, name, spare);
}
void wal_repaired_name(uint64_t segment, char out[DISK_NAME_MAXIMUM]) {
    numbered_name(WAL_REPAIRED_PREFIX, segment, out);
}
bool wal_repaired_name_parse(const char *name, uint64_t *segment) {
    return numbered_name_parse(WAL_REPAIRED_PREFIX, name, segment);
}
