#include "shard/machine/payload.h"

#include "base/memory.h"

void payload_encode_header(struct buffer *out, const struct payload_header *header) {
    buffer_append_u8(out, header->trace_count ? PAYLOAD_VERSION_TRACED : PAYLOAD_VERSION);
    buffer_append_u64(out, header->stamp_ms);
    buffer_append_u64(out, header->seed);
    buffer_append_u32(out, header->command_count);
    if (header->trace_count) {
        buffer_append_varint(out, header->trace_count);
        buffer_append_bytes(out, header->traces);
    }
}

void payload_encode_trace(struct buffer *out, uint32_t position, struct bytes id) {
    buffer_append_varint(out, position);
    buffer_append_length_prefixed(out, id);
}

struct bytes payload_decode_trace(struct cursor *traces, uint32_t *position) {
    *position = (uint32_t)cursor_varint(traces);
    return cursor_length_prefixed(traces, PAYLOAD_TRACE_ID_MAXIMUM);
}

bool payload_is_trace_id(struct bytes id) {
    bool is_right = id.length > 0 && id.length <= PAYLOAD_TRACE_ID_MAXIMUM;
    for (size_t i = 0; is_right && i < id.length; i++) {
        uint8_t byte = id.data[i];
        uint8_t letter = byte | 0x20;
        is_right = (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= ':') ||
                   byte == '-' || byte == '_' || byte == '.';
    }
    return is_right;
}

void payload_encode_command(struct buffer *out, const struct bytes *arguments, size_t count) {
    buffer_append_varint(out, count);
    for (size_t i = 0; i < count; i++)
        buffer_append_length_prefixed(out, arguments[i]);
}

static size_t varint_bytes(uint64_t value) {
    size_t length = 1;
    for (; value >= 0x80; value >>= 7)
        length++;
    return length;
}

size_t payload_command_bytes(const struct bytes *arguments, size_t count) {
    size_t bytes = varint_bytes(count);
    for (size_t i = 0; i < count; i++)
        bytes += varint_bytes(arguments[i].length) + arguments[i].length;
    return bytes;
}

static int decode_traces(struct cursor *in, struct payload_header *header) {
    uint64_t count = cursor_varint(in), least = 0;
    struct cursor begun = *in;
    if (in->is_failed || count == 0 || count > PAYLOAD_TRACE_MAXIMUM)
        return ERR_MALFORMED;
    size_t left = cursor_left(in);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t position = cursor_varint(in);
        struct bytes id = cursor_length_prefixed(in, PAYLOAD_TRACE_ID_MAXIMUM);
        if (in->is_failed || position < least || position >= header->command_count ||
            !payload_is_trace_id(id))
            return ERR_MALFORMED;
        least = position + 1;
    }
    header->trace_count = (uint32_t)count;
    header->traces = cursor_bytes(&begun, left - cursor_left(in));
    return 0;
}

int payload_decode_header(struct cursor *in, struct payload_header *header) {
    uint8_t version = cursor_u8(in);
    *header = (struct payload_header){0};
    if (in->is_failed)
        return ERR_MALFORMED;
    if (version != PAYLOAD_VERSION && version != PAYLOAD_VERSION_TRACED)
        return ERR_VERSION;
    header->stamp_ms = cursor_u64(in);
    header->seed = cursor_u64(in);
    header->command_count = cursor_u32(in);
    if (in->is_failed || header->command_count == 0)
        return ERR_MALFORMED;
    return version == PAYLOAD_VERSION_TRACED ? decode_traces(in, header) : 0;
}

/* Every argument takes a byte at least, so no count beyond what is left is believed. */
static uint64_t decode_argument_count(struct cursor *in) {
    uint64_t count = cursor_varint(in);
    if (count == 0 || count > cursor_left(in))
        in->is_failed = true;
    return count;
}

static void arguments_reserve(struct payload_arguments *arguments, uint64_t count) {
    if (count <= arguments->capacity)
        return;
    arguments->capacity = count < 2 * arguments->capacity ? 2 * arguments->capacity : count;
    arguments->items = memory_resize(arguments->items, arguments->capacity * sizeof(struct bytes));
}

static int decode_arguments(struct cursor *in, struct bytes *into, uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        into[i] = cursor_length_prefixed(in, SIZE_MAX);
    return in->is_failed ? ERR_MALFORMED : 0;
}

int payload_decode_command(struct cursor *in, struct payload_arguments *arguments) {
    uint64_t count = decode_argument_count(in);
    if (in->is_failed)
        return ERR_MALFORMED;
    arguments_reserve(arguments, count);
    arguments->count = count;
    return decode_arguments(in, arguments->items, count);
}

int payload_decode_within(struct cursor *in, struct bytes *room, size_t room_count, size_t *count) {
    struct cursor ahead = *in;
    *count = decode_argument_count(&ahead);
    if (!ahead.is_failed && *count > room_count)
        return ERR_LIMIT;
    *in = ahead;
    return in->is_failed ? ERR_MALFORMED : decode_arguments(in, room, *count);
}

void payload_arguments_release(struct payload_arguments *arguments) {
    memory_free(arguments->items);
    *arguments = (struct payload_arguments){0};
}

int payload_check(struct bytes payload) {
    struct cursor in = cursor_of(payload);
    struct payload_header header;
    int error = payload_decode_header(&in, &header);
    if (error)
        return error;
    for (uint32_t i = 0; i < header.command_count && !in.is_failed; i++) {
        uint64_t count = decode_argument_count(&in);
        for (uint64_t argument = 0; argument < count && !in.is_failed; argument++)
            cursor_length_prefixed(&in, SIZE_MAX);
    }
    return cursor_finish(&in);
}
