#include "gossip/wire/codec.h"
#include "base/check.h"
#include "gossip/wire/codec_item.h"
#include <assert.h>

/* Decoding. */

static void codec_decode_list(struct cursor *in, const struct codec_wire *wire, struct bytes *list,
                              bool (*check)(struct bytes, const struct codec_wire *)) {
    *list = cursor_bytes(in, cursor_left(in));
    if (list->length == 0 || !check(*list, wire))
        in->is_failed = true;
}

static void codec_decode_buckets(struct cursor *in, struct bytes *buckets) {
    *buckets = cursor_bytes(in, cursor_left(in));
    size_t count = buckets->length / 4;
    if (buckets->length % 4 != 0 || count == 0 || count > CODEC_BUCKETS_MAXIMUM ||
        (count & (count - 1)) != 0)
        in->is_failed = true;
}

size_t codec_bucket_count(const struct codec_message *message) {
    return message->buckets.length / 4;
}

uint32_t codec_bucket_of(const struct codec_message *message, size_t bucket) {
    struct cursor in = cursor_of(bytes_of(message->buckets.data + 4 * bucket, sizeof(uint32_t)));
    return cursor_u32(&in);
}

/* Sections without contents. */
static void codec_decode_flag(struct codec_message *message, uint8_t tag) {
    message->has_compare |= tag == CODEC_SECTION_COMPARE;
    message->is_joining |= tag == CODEC_SECTION_JOINING;
    message->has_stream |= tag == CODEC_SECTION_STREAM;
}

static void codec_decode_section(struct codec_message *message, uint8_t tag, struct cursor *in) {
    switch (tag) {
    case CODEC_SECTION_SEQUENCE:
        message->has_sequence = true;
        message->sequence = cursor_u64(in);
        return;
    case CODEC_SECTION_TARGET:
        message->has_target = true;
        codec_read_uuid(in, message->target);
        return;
    case CODEC_SECTION_HASH:
        message->has_hash = true;
        message->hash = cursor_u64(in);
        return;
    case CODEC_SECTION_ADDRESS:
        message->has_address = true;
        codec_read_address(in, &message->address);
        return;
    case CODEC_SECTION_BUCKETS:
        codec_decode_buckets(in, &message->buckets);
        return;
    case CODEC_SECTION_PHASE:
        message->has_phase = true;
        message->phase_ms = cursor_u16(in);
        return;
    case CODEC_SECTION_COMPARE:
    case CODEC_SECTION_JOINING:
    case CODEC_SECTION_STREAM:
        codec_decode_flag(message, tag);
        return;
    case CODEC_SECTION_COUNT:
        message->count = codec_read_number(in);
        return;
    case CODEC_SECTION_FOR:
        message->has_life = true;
        message->life = cursor_u64(in);
        return;
    case CODEC_SECTION_RANGE:
        message->has_range = true;
        codec_read_uuid(in, message->first);
        codec_read_uuid(in, message->last);
        return;
    case CODEC_SECTION_RECORDS:
        codec_decode_list(in, &message->wire, &message->records, codec_check_records);
        return;
    case CODEC_SECTION_ENTRIES:
        codec_decode_list(in, &message->wire, &message->groups, codec_check_groups);
        return;
    case CODEC_SECTION_DIGESTS:
        codec_decode_list(in, &message->wire, &message->digests, codec_check_digests);
        return;
    case CODEC_SECTION_WIRE:
        message->newest_version = cursor_u8(in);
        return;
    case CODEC_SECTION_HELD:
        message->has_held = true;
        message->held_us = codec_read_number(in);
        return;
    case CODEC_SECTION_COORDINATE:
        message->has_coordinate = true;
        if (!coordinate_parse(&message->coordinate, cursor_bytes(in, cursor_left(in))))
            in->is_failed = true;
        return;
    case CODEC_SECTION_PRIORITIES:
        message->priorities = cursor_bytes(in, cursor_left(in));
        return;
    }
    cursor_bytes(in, cursor_left(in)); /* of a later release */
}

/* Each kind's sections that must be there. */
static bool codec_is_complete(const struct codec_message *message) {
    switch (message->kind) {
    case CODEC_PING:
    case CODEC_ACK:
        return message->has_sequence && message->has_hash;
    case CODEC_ASK:
        return message->has_sequence && message->has_target && message->has_address;
    case CODEC_NACK:
        return message->has_sequence && message->has_target;
    case CODEC_DIGEST:
        return message->has_range;
    case CODEC_NEWS:
    case CODEC_PULL:
    case CODEC_FILL:
        return true;
    case CODEC_PACKED:
        return false;
    }
    return false;
}

size_t codec_skip_header(struct cursor *in) {
    const uint8_t *start = in->at;
    uint8_t uuid[GOSSIP_UUID_BYTES], version = cursor_u8(in);
    cursor_u8(in);
    codec_read_uuid(in, uuid);
    codec_read_number(in);
    if (version > 0)
        cursor_u64(in);
    return (size_t)(in->at - start);
}

int codec_decode(struct codec_message *message, struct bytes bytes) {
    *message = (struct codec_message){0};
    struct cursor in = cursor_of(bytes);
    message->wire.version = cursor_u8(&in);
    message->kind = (enum codec_kind)cursor_u8(&in);
    codec_read_uuid(&in, message->sender);
    message->generation = codec_read_number(&in);
    if (bytes.length > 0 && message->wire.version > GOSSIP_WIRE_MAXIMUM)
        return ERR_VERSION;
    message->newest_version = message->wire.version;
    if (message->wire.version > 0)
        message->wire.wall_us = cursor_u64(&in);
    if (message->wire.wall_us > CODEC_NUMBER_MAXIMUM)
        return ERR_MALFORMED;
    uint64_t seen[4] = {0};
    while (!in.is_failed && cursor_left(&in) > 0) {
        uint8_t tag = cursor_u8(&in);
        struct cursor section = cursor_of(cursor_bytes(&in, cursor_u16(&in)));
        uint64_t bit = (uint64_t)1 << (tag % 64);
        if (in.is_failed || seen[tag / 64] & bit)
            return ERR_MALFORMED;
        seen[tag / 64] |= bit;
        codec_decode_section(message, tag, &section);
        if (cursor_finish(&section))
            return ERR_MALFORMED;
    }
    return cursor_finish(&in) == 0 && codec_is_complete(message) ? 0 : ERR_MALFORMED;
}

/* Encoding. */

void codec_writer_init(struct codec_writer *writer) {
    *writer = (struct codec_writer){0};
    buffer_init(&writer->buffer, GOSSIP_DATAGRAM_MAXIMUM);
}

void codec_writer_release(struct codec_writer *writer) { buffer_release(&writer->buffer); }

void codec_begin(struct codec_writer *writer, const struct codec_wire *wire, enum codec_kind kind,
                 const uint8_t sender[GOSSIP_UUID_BYTES], uint64_t generation) {
    CHECK(wire->version <= GOSSIP_WIRE_MAXIMUM && wire->wall_us <= CODEC_NUMBER_MAXIMUM);
    buffer_clear(&writer->buffer);
    writer->buffer.maximum_bytes = GOSSIP_DATAGRAM_MAXIMUM;
    writer->wire = *wire;
    writer->kind = kind;
    writer->section_at = writer->group_at = 0;
    buffer_append_u8(&writer->buffer, wire->version);
    buffer_append_u8(&writer->buffer, (uint8_t)kind);
    buffer_append(&writer->buffer, sender, GOSSIP_UUID_BYTES);
    buffer_append_varint(&writer->buffer, generation);
    if (wire->version > 0)
        buffer_append_u64(&writer->buffer, wire->wall_us);
    writer->header_bytes = writer->buffer.length;
}

void codec_widen(struct codec_writer *writer) {
    static_assert(GOSSIP_STREAM_MESSAGE_MAXIMUM <= UINT16_MAX, "a section's length is two bytes");
    writer->buffer.maximum_bytes = GOSSIP_STREAM_MESSAGE_MAXIMUM;
}

static void codec_section_begin(struct codec_writer *writer, enum codec_section section) {
    CHECK(writer->section_at == 0);
    writer->section_at = writer->buffer.length;
    buffer_append_u8(&writer->buffer, (uint8_t)section);
    buffer_append_u16(&writer->buffer, 0);
}

static void codec_section_end(struct codec_writer *writer) {
    CHECK(!writer->buffer.is_overflowed);
    size_t body = writer->section_at + CODEC_SECTION_HEADER_BYTES;
    codec_patch_u16(writer, writer->section_at + 1, writer->buffer.length - body);
    writer->section_at = 0;
}

/* A section of so many bytes, as a whole: what most datagrams are made of. Returns where they are
 * to be written. */
static uint8_t *codec_section(struct codec_writer *writer, enum codec_section section,
                              size_t length) {
    CHECK(writer->section_at == 0);
    uint8_t *out = buffer_reserve(&writer->buffer, CODEC_SECTION_HEADER_BYTES + length);
    CHECK(out != NULL);
    out[0] = (uint8_t)section;
    out[1] = (uint8_t)length;
    out[2] = (uint8_t)(length >> 8);
    buffer_grew(&writer->buffer, CODEC_SECTION_HEADER_BYTES + length);
    return out + CODEC_SECTION_HEADER_BYTES;
}

static void codec_section_u16(struct codec_writer *writer, enum codec_section section,
                              uint16_t value) {
    uint8_t *out = codec_section(writer, section, sizeof value);
    out[0] = (uint8_t)value;
    out[1] = (uint8_t)(value >> 8);
}

static void codec_section_u64(struct codec_writer *writer, enum codec_section section,
                              uint64_t value) {
    uint8_t *out = codec_section(writer, section, sizeof value);
    for (size_t i = 0; i < sizeof value; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

void codec_write_sequence(struct codec_writer *writer, uint64_t sequence) {
    codec_section_u64(writer, CODEC_SECTION_SEQUENCE, sequence);
}

void codec_write_target(struct codec_writer *writer, const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    memcpy(codec_section(writer, CODEC_SECTION_TARGET, GOSSIP_UUID_BYTES), uuid, GOSSIP_UUID_BYTES);
}

void codec_write_wire(struct codec_writer *writer, unsigned newest_version) {
    *codec_section(writer, CODEC_SECTION_WIRE, 1) = (uint8_t)newest_version;
}

void codec_write_held(struct codec_writer *writer, uint64_t held_us) {
    codec_section_begin(writer, CODEC_SECTION_HELD);
    buffer_append_varint(&writer->buffer, held_us);
    codec_section_end(writer);
}

void codec_write_hash(struct codec_writer *writer, uint64_t hash) {
    codec_section_u64(writer, CODEC_SECTION_HASH, hash);
}

void codec_write_address(struct codec_writer *writer, const struct gossip_address *address) {
    codec_section_begin(writer, CODEC_SECTION_ADDRESS);
    codec_append_address(&writer->buffer, address);
    codec_section_end(writer);
}

void codec_write_compare(struct codec_writer *writer) {
    codec_section(writer, CODEC_SECTION_COMPARE, 0);
}

void codec_write_buckets(struct codec_writer *writer, const uint32_t *halves, size_t count) {
    CHECK(count > 0 && count <= CODEC_BUCKETS_MAXIMUM && (count & (count - 1)) == 0);
    codec_section_begin(writer, CODEC_SECTION_BUCKETS);
    for (size_t i = 0; i < count; i++)
        buffer_append_u32(&writer->buffer, halves[i]);
    codec_section_end(writer);
}

void codec_write_coordinate(struct codec_writer *writer, const struct coordinate *coordinate) {
    char text[COORDINATE_TEXT_MAXIMUM];
    struct bytes printed = coordinate_print(coordinate, text);
    memcpy(codec_section(writer, CODEC_SECTION_COORDINATE, printed.length), printed.data,
           printed.length);
}

void codec_write_phase(struct codec_writer *writer, uint16_t phase_ms) {
    codec_section_u16(writer, CODEC_SECTION_PHASE, phase_ms);
}

void codec_write_joining(struct codec_writer *writer) {
    codec_section(writer, CODEC_SECTION_JOINING, 0);
}

void codec_write_stream(struct codec_writer *writer) {
    codec_section(writer, CODEC_SECTION_STREAM, 0);
}

void codec_write_count(struct codec_writer *writer, uint64_t count) {
    codec_section_begin(writer, CODEC_SECTION_COUNT);
    buffer_append_varint(&writer->buffer, count);
    codec_section_end(writer);
}

void codec_write_life(struct codec_writer *writer, uint64_t life) {
    codec_section_u64(writer, CODEC_SECTION_FOR, life);
}

uint64_t codec_life(const uint8_t uuid[GOSSIP_UUID_BYTES], uint64_t generation) {
    return bytes_hash(bytes_of(uuid, GOSSIP_UUID_BYTES), generation);
}

void codec_write_range(struct codec_writer *writer, const uint8_t first[GOSSIP_UUID_BYTES],
                       const uint8_t last[GOSSIP_UUID_BYTES]) {
    codec_section_begin(writer, CODEC_SECTION_RANGE);
    buffer_append(&writer->buffer, first, GOSSIP_UUID_BYTES);
    buffer_append(&writer->buffer, last, GOSSIP_UUID_BYTES);
    codec_section_end(writer);
}

bool codec_list_begin(struct codec_writer *writer, enum codec_section section) {
    size_t length = writer->buffer.length;
    codec_section_begin(writer, section);
    if (codec_fitted(writer, length))
        return true;
    writer->section_at = 0;
    return false;
}

void codec_list_end(struct codec_writer *writer) {
    CHECK(writer->group_at == 0);
    if (writer->buffer.length == writer->section_at + CODEC_SECTION_HEADER_BYTES) {
        buffer_truncate(&writer->buffer, writer->section_at);
        writer->section_at = 0;
        return;
    }
    codec_section_end(writer);
}

/* Priorities: two bits for each group. */

enum { PRIORITIES_PER_BYTE = 4 };
static_assert(GOSSIP_PRIORITY_COUNT <= 4, "a priority is two bits");

enum gossip_priority codec_priority_of(const struct codec_message *message, size_t group) {
    if (group / PRIORITIES_PER_BYTE >= message->priorities.length)
        return GOSSIP_STATE;
    uint8_t four = message->priorities.data[group / PRIORITIES_PER_BYTE];
    unsigned priority = (four >> 2 * (group % PRIORITIES_PER_BYTE)) & 3;
    return priority == GOSSIP_URGENT ? GOSSIP_CLUSTER : (enum gossip_priority)priority;
}

size_t codec_priorities_bytes(size_t count) {
    return (count + PRIORITIES_PER_BYTE - 1) / PRIORITIES_PER_BYTE;
}

void codec_write_priorities(struct codec_writer *writer, const enum gossip_priority *priorities,
                            size_t count) {
    codec_section_begin(writer, CODEC_SECTION_PRIORITIES);
    for (size_t i = 0; i < count; i += PRIORITIES_PER_BYTE) {
        unsigned four = 0;
        for (size_t j = i; j < count && j < i + PRIORITIES_PER_BYTE; j++)
            four |= (unsigned)priorities[j] << 2 * (j - i);
        buffer_append_u8(&writer->buffer, (uint8_t)four);
    }
    if (codec_fitted(writer, writer->section_at))
        codec_section_end(writer);
    writer->section_at = 0;
}
