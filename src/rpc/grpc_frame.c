#include "rpc/grpc_frame.h"
#include "base/check.h"

static size_t message_length(const uint8_t *prefix) {
    return (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 | (size_t)prefix[3] << 8 | prefix[4];
}

void grpc_prefix_write(uint8_t out[GRPC_PREFIX_BYTES], size_t length) {
    CHECK(length <= UINT32_MAX);
    out[0] = 0;
    for (unsigned i = 0; i < 4; i++)
        out[1 + i] = (uint8_t)(length >> (24 - 8 * i));
}

void grpc_reader_init(struct grpc_reader *reader, size_t maximum_bytes) {
    *reader = (struct grpc_reader){.maximum_bytes = maximum_bytes};
    buffer_init(&reader->held, maximum_bytes + GRPC_PREFIX_BYTES);
}

void grpc_reader_release(struct grpc_reader *reader) { buffer_release(&reader->held); }

bool grpc_reader_is_amid(const struct grpc_reader *reader) {
    return reader->held.length > reader->given;
}

static int check_prefix(const struct grpc_reader *reader, const uint8_t *prefix) {
    if (prefix[0] != 0)
        return ERR_VERSION;
    return message_length(prefix) > reader->maximum_bytes ? ERR_LIMIT : 0;
}

/* Moves input behind what is held, until `wanted` bytes are held. */
static bool hold_until(struct grpc_reader *reader, struct bytes *input, size_t wanted) {
    size_t taken = wanted - reader->held.length;
    if (taken > input->length)
        taken = input->length;
    buffer_append(&reader->held, input->data, taken);
    CHECK(!reader->held.is_overflowed);
    *input = bytes_of(input->data + taken, input->length - taken);
    return reader->held.length == wanted;
}

/* At once, rather than by doubling, as far as the length that was said is to be believed. */
static void make_room(struct grpc_reader *reader, const struct bytes *input, size_t whole) {
    size_t trusted = GRPC_READER_TRUST * (reader->held.length + input->length);
    size_t room = whole < trusted ? whole : trusted;
    if (room > reader->held.capacity)
        (void)buffer_reserve(&reader->held, room - reader->held.length);
}

static int next_held(struct grpc_reader *reader, struct bytes *input, struct bytes *message) {
    if (reader->held.length < GRPC_PREFIX_BYTES && !hold_until(reader, input, GRPC_PREFIX_BYTES))
        return 0;
    int code = check_prefix(reader, buffer_data(&reader->held));
    if (code != 0)
        return code;
    size_t whole = GRPC_PREFIX_BYTES + message_length(buffer_data(&reader->held));
    make_room(reader, input, whole);
    if (!hold_until(reader, input, whole))
        return 0;
    reader->given = whole;
    *message = bytes_of(buffer_data(&reader->held) + GRPC_PREFIX_BYTES, whole - GRPC_PREFIX_BYTES);
    return 1;
}

int grpc_reader_next(struct grpc_reader *reader, struct bytes *input, struct bytes *message) {
    if (reader->given > 0)
        buffer_reuse(&reader->held, GRPC_READER_KEPT_BYTES, GRPC_READER_BUSY_BYTES);
    reader->given = 0;
    if (input->length == 0)
        return 0;
    if (reader->held.length > 0 || input->length < GRPC_PREFIX_BYTES)
        return next_held(reader, input, message);
    int code = check_prefix(reader, input->data);
    if (code != 0)
        return code;
    size_t whole = GRPC_PREFIX_BYTES + message_length(input->data);
    if (input->length < whole)
        return next_held(reader, input, message);
    *message = bytes_of(input->data + GRPC_PREFIX_BYTES, whole - GRPC_PREFIX_BYTES);
    *input = bytes_of(input->data + whole, input->length - whole);
    return 1;
}
