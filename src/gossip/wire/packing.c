#include "gossip/wire/packing.h"
#include "base/check.h"
#include <zstd.h>

enum {
    PACKING_LEVEL = 1,
    PACKING_HEADER_MAXIMUM = 2 + GOSSIP_UUID_BYTES + 9 + 8 + 1 + 3, /* all before the frame */
    PACKING_SLACK = 64, /* that more input costs beyond its own length, at the very most */
    PACKING_LEAST_GAIN = 64,
    PACKING_WORTH = 6 /* it has to save one part in so many */
};

static bool packing_is_wanted(const struct codec_writer *writer, size_t least_bytes) {
    return least_bytes > 0 && writer->wire.version > 0 && writer->kind == CODEC_FILL &&
           writer->buffer.length >= least_bytes;
}

/* All behind the header, with the kind in front of it, as one frame. 0: it cannot be done. */
static size_t packing_compress(const struct codec_writer *writer, uint8_t *out, size_t room) {
    const uint8_t *data = buffer_bytes(&writer->buffer).data;
    size_t body = writer->header_bytes;
    size_t length =
        ZSTD_compress(out, room, data + body, writer->buffer.length - body, PACKING_LEVEL);
    return ZSTD_isError(length) ? 0 : length;
}

bool packing_grow(struct codec_writer *writer, size_t least_bytes) {
    uint8_t frame[GOSSIP_DATAGRAM_MAXIMUM];
    if (!packing_is_wanted(writer, least_bytes) ||
        writer->buffer.maximum_bytes >= PACKING_RAW_MAXIMUM)
        return false;
    size_t packed = packing_compress(writer, frame, sizeof frame);
    size_t used = PACKING_HEADER_MAXIMUM + packed + PACKING_SLACK;
    if (packed == 0 || used >= GOSSIP_DATAGRAM_MAXIMUM)
        return false;
    size_t maximum = writer->buffer.length + GOSSIP_DATAGRAM_MAXIMUM - used;
    if (maximum < writer->buffer.maximum_bytes + PACKING_LEAST_GAIN)
        return false;
    writer->buffer.maximum_bytes = maximum < PACKING_RAW_MAXIMUM ? maximum : PACKING_RAW_MAXIMUM;
    return true;
}

/* The frame behind the header and the length, where it is to be sent. 0: it does not fit. */
static size_t packing_write(const struct codec_writer *writer, struct buffer *packed,
                            size_t maximum) {
    buffer_clear(packed);
    packed->maximum_bytes = maximum;
    buffer_append(packed, buffer_data(&writer->buffer), writer->header_bytes);
    buffer_data(packed)[1] = CODEC_PACKED;
    buffer_append_varint(packed, writer->buffer.length - writer->header_bytes);
    size_t room = maximum - packed->length;
    uint8_t *frame = buffer_reserve(packed, room);
    CHECK(frame != NULL);
    size_t length = packing_compress(writer, frame, room);
    buffer_grew(packed, length);
    return length;
}

struct bytes packing_pack(const struct codec_writer *writer, size_t least_bytes, size_t maximum,
                          struct buffer *packed) {
    struct bytes plain = buffer_bytes(&writer->buffer);
    bool is_fitting = plain.length <= maximum;
    size_t length =
        packing_is_wanted(writer, least_bytes) ? packing_write(writer, packed, maximum) : 0;
    if (length == 0 || (is_fitting && length > plain.length - plain.length / PACKING_WORTH))
        return is_fitting ? plain : BYTES_NONE;
    return buffer_bytes(packed);
}

int packing_unpack(struct bytes datagram, size_t raw_maximum, struct buffer *unpacked,
                   struct bytes *out) {
    *out = datagram;
    if (datagram.length < 2 || datagram.data[0] == 0 || datagram.data[1] != CODEC_PACKED)
        return 0;
    struct cursor in = cursor_of(datagram);
    size_t header = codec_skip_header(&in);
    uint64_t raw_bytes = cursor_varint(&in);
    struct bytes frame = cursor_bytes(&in, cursor_left(&in));
    if (in.is_failed || frame.length == 0 || raw_bytes > raw_maximum)
        return ERR_MALFORMED;
    buffer_clear(unpacked);
    buffer_append(unpacked, datagram.data, header);
    buffer_data(unpacked)[1] = CODEC_FILL;
    uint8_t *raw = buffer_reserve(unpacked, raw_bytes + 1); /* one more: longer is seen */
    CHECK(raw != NULL);
    size_t length = ZSTD_decompress(raw, raw_bytes + 1, frame.data, frame.length);
    if (ZSTD_isError(length) || length != raw_bytes)
        return ERR_MALFORMED;
    buffer_grew(unpacked, length);
    *out = buffer_bytes(unpacked);
    return 0;
}
