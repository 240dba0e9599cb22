#include "shard/payload.h"

#include "base/memory.h"

void payload_encode_header(struct buffer *out, const struct payload_header *header) {
    buffer_append_u8(out, PAYLOAD_VERSION);
    buffer_append_u64(out, header->stamp_ms);
    buffer_append_u64(out, header->seed);
    buffer_append_u32(out, header->command_count);
}

void payload_encode_command(struct buffer *out, const struct bytes *arguments, size_t count) {
    buffer_append_varint(out, count);
    for (size_t i = 0; i < count; i++) {
        buffer_append_length_prefixed(out, arguments[i]);
    }
}

static size_t varint_bytes(uint64_t value) {
    size_t length = 1;
    for (; value >= 0x80; value >>= 7) {
        length++;
    }
    return length;
}

size_t payload_command_bytes(const struct bytes *arguments, size_t count) {
    size_t bytes = varint_bytes(count);
    for (size_t i = 0; i < count; i++) {
        bytes += varint_bytes(arguments[i].length) + arguments[i].length;
    }
    return bytes;
}

int payload_decode_header(struct cursor *in, struct payload_header *header) {
    uint8_t version = cursor_u8(in);
    if (in->is_failed) {
        return ERR_MALFORMED;
    }
    if (version != PAYLOAD_VERSION) {
        return ERR_VERSION;
    }
    header->stamp_ms = cursor_u64(in);
    header->seed = cursor_u64(in);
    header->command_count = cursor_u32(in);
    return in->is_failed || header->command_count == 0 ? ERR_MALFORMED : 0;
}

/* Every argument takes a byte at least, so no count beyond what is left is believed. */
static uint64_t decode_argument_count(struct cursor *in) {
    uint64_t count = cursor_varint(in);
    if (count == 0 || count > cursor_left(in)) {
        in->is_failed = true;
    }
    return count;
}

int payload_decode_command(struct cursor *in, struct payload_arguments *arguments) {
    uint64_t count = decode_argument_count(in);
    if (in->is_failed) {
        return ERR_MALFORMED;
    }
    if (count > arguments->capacity) {
        arguments->capacity = count;
        arguments->items = memory_resize(arguments->items, count * sizeof(struct bytes));
    }
    for (size_t i = 0; i < count; i++) {
        arguments->items[i] = cursor_length_prefixed(in, SIZE_MAX);
    }
    arguments->count = count;
    return in->is_failed ? ERR_MALFORMED : 0;
}

void payload_arguments_release(struct payload_arguments *arguments) {
    memory_free(arguments->items);
    *arguments = (struct payload_arguments){0};
}

int payload_check(struct bytes payload) {
    struct cursor in = cursor_of(payload);
    struct payload_header header;
    int error = payload_decode_header(&in, &header);
    if (error) {
        return error;
    }
    for (uint32_t i = 0; i < header.command_count && !in.is_failed; i++) {
        uint64_t count = decode_argument_count(&in);
        for (uint64_t argument = 0; argument < count && !in.is_failed; argument++) {
            cursor_length_prefixed(&in, SIZE_MAX);
        }
    }
    return cursor_finish(&in);
}
