#include "gossip/wire/codec_item.h"
#include "base/check.h"

/* ---- what items are made of ---- */

void codec_read_uuid(struct cursor *in, uint8_t uuid[GOSSIP_UUID_BYTES]) {
    struct bytes bytes = cursor_bytes(in, GOSSIP_UUID_BYTES);
    if (bytes.data != NULL)
        memcpy(uuid, bytes.data, GOSSIP_UUID_BYTES);
    else
        memset(uuid, 0, GOSSIP_UUID_BYTES);
}

uint64_t codec_read_number(struct cursor *in) {
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

void codec_read_address(struct cursor *in, struct gossip_address *address) {
    codec_read_text(in, address->host, sizeof address->host);
    address->port = cursor_u16(in);
    if (address->host[0] == 0 || address->port == 0)
        in->is_failed = true;
}

void codec_append_address(struct buffer *out, const struct gossip_address *address) {
    buffer_append_length_prefixed(out, bytes_of_text(address->host));
    buffer_append_u16(out, address->port);
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

static uint64_t codec_created_number(const struct codec_wire *wire, uint64_t created_us) {
    uint64_t before_us = wire->wall_us - created_us;
    uint64_t zigzag = before_us << 1 ^ (0 - (before_us >> 63));
    return created_us > 0 ? zigzag + 1 : 0;
}

static void codec_append_created(struct codec_writer *writer, uint64_t created_us) {
    if (writer->wire.version > 0)
        buffer_append_varint(&writer->buffer, codec_created_number(&writer->wire, created_us));
}

bool codec_fitted(struct codec_writer *writer, size_t length) {
    if (!writer->buffer.is_overflowed)
        return true;
    buffer_truncate(&writer->buffer, length);
    writer->buffer.is_overflowed = false;
    return false;
}

void codec_patch_u16(struct codec_writer *writer, size_t at, size_t value) {
    uint8_t *data = buffer_data(&writer->buffer);
    data[at] = (uint8_t)value;
    data[at + 1] = (uint8_t)(value >> 8);
}

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

/* ---- records ---- */

static enum gossip_member_state codec_read_state(struct cursor *in) {
    uint8_t state = cursor_u8(in);
    if (state > GOSSIP_LEFT)
        in->is_failed = true;
    return in->is_failed ? GOSSIP_ALIVE : (enum gossip_member_state)state;
}

/* Joining has no number: a release that knows nothing of it hears that the member is alive, and the
 * others hear of it by the section JOINING of its own datagrams. */
static uint8_t codec_state(enum gossip_member_state state) {
    return (uint8_t)(state == GOSSIP_JOINING ? GOSSIP_ALIVE : state);
}

static bool codec_has_accuser(const struct codec_wire *wire, enum gossip_member_state state) {
    return state == GOSSIP_SUSPECT || (state == GOSSIP_DEAD && wire->version > 0);
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

size_t codec_record_bytes(const struct codec_wire *wire, const struct codec_record *record) {
    return GOSSIP_UUID_BYTES + varint_bytes(record->generation) +
           varint_bytes(record->incarnation) + 1 +
           (codec_has_accuser(wire, record->state) ? GOSSIP_UUID_BYTES : 0) +
           created_bytes(wire, record->created_us) + text_bytes(strlen(record->address.host)) + 2 +
           text_bytes(strlen(record->name));
}

bool codec_check_records(struct bytes list, const struct codec_wire *wire) {
    struct cursor in = cursor_of(list);
    struct codec_record record;
    while (!in.is_failed && cursor_left(&in) > 0)
        codec_read_record(&in, wire, &record);
    return !in.is_failed;
}

/* ---- groups of entries ---- */

void codec_read_group(struct cursor *in, struct codec_group *group) {
    codec_read_uuid(in, group->uuid);
    group->generation = codec_read_number(in);
    group->floor = codec_read_number(in);
    group->entries = cursor_bytes(in, cursor_u16(in));
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

void codec_group_end(struct codec_writer *writer) {
    codec_patch_u16(writer, writer->group_at, writer->buffer.length - writer->group_at - 2);
    writer->group_at = 0;
}

void codec_group_cancel(struct codec_writer *writer) {
    CHECK(writer->group_at != 0);
    buffer_truncate(&writer->buffer, writer->group_from);
    writer->group_at = 0;
}

size_t codec_group_bytes(const struct codec_group *group) {
    return GOSSIP_UUID_BYTES + varint_bytes(group->generation) + varint_bytes(group->floor) + 2;
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

size_t codec_entry_bytes(const struct codec_wire *wire, const struct codec_entry *entry) {
    return varint_bytes(entry->version) + varint_bytes(entry->previous) + 1 +
           created_bytes(wire, entry->created_us) + text_bytes(entry->key.length) +
           text_bytes(entry->value.length);
}

bool codec_check_groups(struct bytes list, const struct codec_wire *wire) {
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

/* ---- digests ---- */

void codec_read_digest(struct cursor *in, struct codec_digest *digest) {
    codec_read_uuid(in, digest->uuid);
    digest->generation = codec_read_number(in);
    digest->incarnation = codec_read_number(in);
    digest->state = codec_read_state(in);
    digest->version = codec_read_number(in);
    digest->floor = codec_read_number(in);
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

/* Digests stand in strictly ascending order of UUID, so that two sides compare them in one walk. */
bool codec_check_digests(struct bytes list, const struct codec_wire *wire) {
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
