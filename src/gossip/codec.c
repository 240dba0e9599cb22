#include "gossip/codec.h"
#include "base/check.h"
#include <assert.h>

enum { PRIORITIES_PER_BYTE = 4 };
static_assert(GOSSIP_PRIORITY_COUNT <= 4, "a priority is two bits");

/* Decoding. */

static void codec_read_uuid(struct cursor *in, uint8_t uuid[GOSSIP_UUID_BYTES]) {
    struct bytes bytes = cursor_bytes(in, GOSSIP_UUID_BYTES);
    if (bytes.data != NULL)
        memcpy(uuid, bytes.data, GOSSIP_UUID_BYTES);
    else
        memset(uuid, 0, GOSSIP_UUID_BYTES);
}

static uint64_t codec_read_number(struct cursor *in) {
    uint64_t number = cursor_varint(in);
    if (number > CODEC_NUMBER_MAXIMUM)
        in->is_failed = true;
    return number;
}

/* Text without control characters, so that a name or host from outside can stand in a log line. */
static void codec_read_text(struct cursor *in, char *out, size_t size) {
    struct bytes text = cursor_length_prefixed(in, size - 1);
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] <= ' ' || text.data[i] >= 0x7f)
            in->is_failed = true;
    memset(out, 0, size);
    if (text.length)
        memcpy(out, text.data, text.length);
}

static void codec_read_address(struct cursor *in, struct gossip_address *address) {
    codec_read_text(in, address->host, sizeof address->host);
    address->port = cursor_u16(in);
    if (address->host[0] == 0 || address->port == 0)
        in->is_failed = true;
}

static enum gossip_member_state codec_read_state(struct cursor *in) {
    uint8_t state = cursor_u8(in);
    if (state > GOSSIP_LEFT)
        in->is_failed = true;
    return in->is_failed ? GOSSIP_ALIVE : (enum gossip_member_state)state;
}

static bool codec_has_accuser(const struct codec_wire *wire, enum gossip_member_state state) {
    return state == GOSSIP_SUSPECT || (state == GOSSIP_DEAD && wire->version > 0);
}

/* When something was made: 0 for not known, or 1 + the zigzag of how long before the datagram was
 * written. Two wall clocks are compared there, so that it may be negative. */
static uint64_t codec_read_created_us(struct cursor *in, const struct codec_wire *wire) {
    if (wire->version == 0)
        return 0;
    uint64_t number = cursor_varint(in);
    if (number == 0)
        return 0;
    uint64_t zigzag = number - 1;
    uint64_t before_us = zigzag >> 1 ^ (0 - (zigzag & 1)); /* modulo 2^64 */
    uint64_t created_us = wire->wall_us - before_us;
    if (created_us == 0 || created_us > CODEC_NUMBER_MAXIMUM)
        in->is_failed = true;
    return created_us;
}

void codec_read_record(struct cursor *in, const struct codec_wire *wire,
                       struct codec_record *record) {
    codec_read_uuid(in, record->uuid);
    record->generation = codec_read_number(in);
    record->incarnation = codec_read_number(in);
    record->state = codec_read_state(in);
    if (codec_has_accuser(wire, record->state))
        codec_read_uuid(in, record->accuser);
    else
        memset(record->accuser, 0, sizeof record->accuser);
    codec_read_address(in, &record->address);
    codec_read_text(in, record->name, sizeof record->name);
    record->created_us = codec_read_created_us(in, wire);
}

void codec_read_group(struct cursor *in, struct codec_group *group) {
    codec_read_uuid(in, group->uuid);
    group->generation = codec_read_number(in);
    group->floor = codec_read_number(in);
    group->entries = cursor_bytes(in, cursor_u16(in));
}

void codec_read_entry(struct cursor *in, const struct codec_wire *wire, struct codec_entry *entry) {
    entry->version = codec_read_number(in);
    entry->previous = codec_read_number(in);
    uint8_t flags = cursor_u8(in);
    entry->is_removed = flags & 1;
    entry->created_us = codec_read_created_us(in, wire);
    entry->key = cursor_length_prefixed(in, GOSSIP_KEY_MAXIMUM);
    entry->value = cursor_length_prefixed(in, GOSSIP_VALUE_MAXIMUM);
    bool is_plain = !entry->is_removed && entry->key.length > 0;
    bool is_nothing = entry->is_removed && entry->key.length == 0;
    if (flags > 1 || is_nothing || entry->version <= entry->previous ||
        is_plain != (entry->value.length > 0))
        in->is_failed = true;
}

void codec_read_digest(struct cursor *in, struct codec_digest *digest) {
    codec_read_uuid(in, digest->uuid);
    digest->generation = codec_read_number(in);
    digest->incarnation = codec_read_number(in);
    digest->state = codec_read_state(in);
    digest->version = codec_read_number(in);
    digest->floor = codec_read_number(in);
}

enum gossip_priority codec_priority_of(const struct codec_message *message, size_t group) {
    if (group / PRIORITIES_PER_BYTE >= message->priorities.length)
        return GOSSIP_STATE;
    uint8_t four = message->priorities.data[group / PRIORITIES_PER_BYTE];
    unsigned priority = (four >> 2 * (group % PRIORITIES_PER_BYTE)) & 3;
    return priority == GOSSIP_URGENT ? GOSSIP_CLUSTER : (enum gossip_priority)priority;
}

static bool codec_check_records(struct bytes list, const struct codec_wire *wire) {
    struct cursor in = cursor_of(list);
    struct codec_record record;
    while (!in.is_failed && cursor_left(&in) > 0)
        codec_read_record(&in, wire, &record);
    return !in.is_failed;
}

static bool codec_check_groups(struct bytes list, const struct codec_wire *wire) {
    struct cursor in = cursor_of(list);
    struct codec_group group;
    struct codec_entry entry;
    while (!in.is_failed && cursor_left(&in) > 0) {
        codec_read_group(&in, &group);
        struct cursor entries = cursor_of(group.entries);
        while (!entries.is_failed && cursor_left(&entries) > 0)
            codec_read_entry(&entries, wire, &entry);
        in.is_failed |= entries.is_failed;
    }
    return !in.is_failed;
}

/* Digests stand in strictly ascending order of UUID, so that two sides compare them in one walk. */
static bool codec_check_digests(struct bytes list, const struct codec_wire *wire) {
    (void)wire; /* the same in all versions */
    struct cursor in = cursor_of(list);
    struct codec_digest digest, previous;
    bool is_first = true;
    while (!in.is_failed && cursor_left(&in) > 0) {
        codec_read_digest(&in, &digest);
        if (!is_first && memcmp(previous.uuid, digest.uuid, GOSSIP_UUID_BYTES) >= 0)
            return false;
        previous = digest;
        is_first = false;
    }
    return !in.is_failed;
}

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

static void codec_patch_u16(struct codec_writer *writer, size_t at, size_t value) {
    uint8_t *data = buffer_data(&writer->buffer);
    data[at] = (uint8_t)value;
    data[at + 1] = (uint8_t)(value >> 8);
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

/* Takes back what was appended since `length`, if not all of it fitted. */
static bool codec_fitted(struct codec_writer *writer, size_t length) {
    if (!writer->buffer.is_overflowed)
        return true;
    buffer_truncate(&writer->buffer, length);
    writer->buffer.is_overflowed = false;
    return false;
}

void codec_write_sequence(struct codec_writer *writer, uint64_t sequence) {
    codec_section_begin(writer, CODEC_SECTION_SEQUENCE);
    buffer_append_u64(&writer->buffer, sequence);
    codec_section_end(writer);
}

void codec_write_target(struct codec_writer *writer, const uint8_t uuid[GOSSIP_UUID_BYTES]) {
    codec_section_begin(writer, CODEC_SECTION_TARGET);
    buffer_append(&writer->buffer, uuid, GOSSIP_UUID_BYTES);
    codec_section_end(writer);
}

void codec_write_wire(struct codec_writer *writer, unsigned newest_version) {
    codec_section_begin(writer, CODEC_SECTION_WIRE);
    buffer_append_u8(&writer->buffer, (uint8_t)newest_version);
    codec_section_end(writer);
}

void codec_write_held(struct codec_writer *writer, uint64_t held_us) {
    codec_section_begin(writer, CODEC_SECTION_HELD);
    buffer_append_varint(&writer->buffer, held_us);
    codec_section_end(writer);
}

void codec_write_hash(struct codec_writer *writer, uint64_t hash) {
    codec_section_begin(writer, CODEC_SECTION_HASH);
    buffer_append_u64(&writer->buffer, hash);
    codec_section_end(writer);
}

static void codec_append_address(struct buffer *out, const struct gossip_address *address) {
    buffer_append_length_prefixed(out, bytes_of_text(address->host));
    buffer_append_u16(out, address->port);
}

void codec_write_address(struct codec_writer *writer, const struct gossip_address *address) {
    codec_section_begin(writer, CODEC_SECTION_ADDRESS);
    codec_append_address(&writer->buffer, address);
    codec_section_end(writer);
}

void codec_write_compare(struct codec_writer *writer) {
    codec_section_begin(writer, CODEC_SECTION_COMPARE);
    codec_section_end(writer);
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
    codec_section_begin(writer, CODEC_SECTION_COORDINATE);
    buffer_append_bytes(&writer->buffer, coordinate_print(coordinate, text));
    codec_section_end(writer);
}

void codec_write_phase(struct codec_writer *writer, uint16_t phase_ms) {
    codec_section_begin(writer, CODEC_SECTION_PHASE);
    buffer_append_u16(&writer->buffer, phase_ms);
    codec_section_end(writer);
}

void codec_write_joining(struct codec_writer *writer) {
    codec_section_begin(writer, CODEC_SECTION_JOINING);
    codec_section_end(writer);
}

void codec_write_stream(struct codec_writer *writer) {
    codec_section_begin(writer, CODEC_SECTION_STREAM);
    codec_section_end(writer);
}

void codec_write_count(struct codec_writer *writer, uint64_t count) {
    codec_section_begin(writer, CODEC_SECTION_COUNT);
    buffer_append_varint(&writer->buffer, count);
    codec_section_end(writer);
}

void codec_write_life(struct codec_writer *writer, uint64_t life) {
    codec_section_begin(writer, CODEC_SECTION_FOR);
    buffer_append_u64(&writer->buffer, life);
    codec_section_end(writer);
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

/* Joining has no number: a release that knows nothing of it hears that the member is alive, and the
 * others hear of it by the section JOINING of its own datagrams. */
static uint8_t codec_state(enum gossip_member_state state) {
    return (uint8_t)(state == GOSSIP_JOINING ? GOSSIP_ALIVE : state);
}

static uint64_t codec_created_number(const struct codec_wire *wire, uint64_t created_us) {
    uint64_t before_us = wire->wall_us - created_us;
    uint64_t zigzag = before_us << 1 ^ (0 - (before_us >> 63));
    return created_us > 0 ? zigzag + 1 : 0;
}

static void codec_append_created(struct codec_writer *writer, uint64_t created_us) {
    if (writer->wire.version > 0)
        buffer_append_varint(&writer->buffer, codec_created_number(&writer->wire, created_us));
}

bool codec_write_record(struct codec_writer *writer, const struct codec_record *record) {
    struct buffer *out = &writer->buffer;
    size_t length = out->length;
    buffer_append(out, record->uuid, GOSSIP_UUID_BYTES);
    buffer_append_varint(out, record->generation);
    buffer_append_varint(out, record->incarnation);
    buffer_append_u8(out, codec_state(record->state));
    if (codec_has_accuser(&writer->wire, record->state))
        buffer_append(out, record->accuser, GOSSIP_UUID_BYTES);
    codec_append_address(out, &record->address);
    buffer_append_length_prefixed(out, bytes_of_text(record->name));
    codec_append_created(writer, record->created_us);
    return codec_fitted(writer, length);
}

bool codec_write_digest(struct codec_writer *writer, const struct codec_digest *digest) {
    struct buffer *out = &writer->buffer;
    size_t length = out->length;
    buffer_append(out, digest->uuid, GOSSIP_UUID_BYTES);
    buffer_append_varint(out, digest->generation);
    buffer_append_varint(out, digest->incarnation);
    buffer_append_u8(out, codec_state(digest->state));
    buffer_append_varint(out, digest->version);
    buffer_append_varint(out, digest->floor);
    return codec_fitted(writer, length);
}

bool codec_group_begin(struct codec_writer *writer, const struct codec_group *group) {
    CHECK(writer->group_at == 0);
    struct buffer *out = &writer->buffer;
    size_t length = out->length;
    buffer_append(out, group->uuid, GOSSIP_UUID_BYTES);
    buffer_append_varint(out, group->generation);
    buffer_append_varint(out, group->floor);
    size_t at = out->length;
    buffer_append_u16(out, 0);
    if (!codec_fitted(writer, length))
        return false;
    writer->group_from = length;
    writer->group_at = at;
    return true;
}

bool codec_write_entry(struct codec_writer *writer, const struct codec_entry *entry) {
    CHECK(writer->group_at != 0);
    struct buffer *out = &writer->buffer;
    size_t length = out->length;
    buffer_append_varint(out, entry->version);
    buffer_append_varint(out, entry->previous);
    buffer_append_u8(out, entry->is_removed);
    codec_append_created(writer, entry->created_us);
    buffer_append_length_prefixed(out, entry->key);
    buffer_append_length_prefixed(out, entry->value);
    return codec_fitted(writer, length);
}

void codec_group_end(struct codec_writer *writer) {
    codec_patch_u16(writer, writer->group_at, writer->buffer.length - writer->group_at - 2);
    writer->group_at = 0;
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

/* Sizes. */

static size_t varint_bytes(uint64_t value) {
    size_t bytes = 1;
    while (value >>= 7)
        bytes++;
    return bytes;
}

static size_t text_bytes(size_t length) { return varint_bytes(length) + length; }

static size_t created_bytes(const struct codec_wire *wire, uint64_t created_us) {
    return wire->version > 0 ? varint_bytes(codec_created_number(wire, created_us)) : 0;
}

size_t codec_record_bytes(const struct codec_wire *wire, const struct codec_record *record) {
    return GOSSIP_UUID_BYTES + varint_bytes(record->generation) +
           varint_bytes(record->incarnation) + 1 +
           (codec_has_accuser(wire, record->state) ? GOSSIP_UUID_BYTES : 0) +
           created_bytes(wire, record->created_us) + text_bytes(strlen(record->address.host)) + 2 +
           text_bytes(strlen(record->name));
}

size_t codec_group_bytes(const struct codec_group *group) {
    return GOSSIP_UUID_BYTES + varint_bytes(group->generation) + varint_bytes(group->floor) + 2;
}

size_t codec_entry_bytes(const struct codec_wire *wire, const struct codec_entry *entry) {
    return varint_bytes(entry->version) + varint_bytes(entry->previous) + 1 +
           created_bytes(wire, entry->created_us) + text_bytes(entry->key.length) +
           text_bytes(entry->value.length);
}

void codec_group_cancel(struct codec_writer *writer) {
    CHECK(writer->group_at != 0);
    buffer_truncate(&writer->buffer, writer->group_from);
    writer->group_at = 0;
}
