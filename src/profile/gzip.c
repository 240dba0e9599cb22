#include "profile/gzip.h"

enum { GZIP_BLOCK_MAXIMUM_BYTES = 65535 };

/* CRC-32 as of IEEE 802.3, reflected, four bits at a time. */
static uint32_t crc32_ieee(struct bytes bytes) {
    static const uint32_t nibbles[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                         0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                         0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                         0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < bytes.length; i++) {
        crc ^= bytes.data[i];
        crc = (crc >> 4) ^ nibbles[crc & 15];
        crc = (crc >> 4) ^ nibbles[crc & 15];
    }
    return ~crc;
}

static void append_block(struct buffer *out, struct bytes block, bool is_last) {
    uint16_t length = (uint16_t)block.length;
    buffer_append_u8(out, is_last ? 1 : 0);
    buffer_append_u16(out, length);
    buffer_append_u16(out, (uint16_t)~length);
    buffer_append_bytes(out, block);
}

void gzip_wrap(struct bytes content, struct buffer *out) {
    static const uint8_t header[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
    buffer_append(out, header, sizeof header);
    struct bytes left = content;
    while (left.length > GZIP_BLOCK_MAXIMUM_BYTES) {
        append_block(out, bytes_of(left.data, GZIP_BLOCK_MAXIMUM_BYTES), false);
        left =
            bytes_of(left.data + GZIP_BLOCK_MAXIMUM_BYTES, left.length - GZIP_BLOCK_MAXIMUM_BYTES);
    }
    append_block(out, left, true);
    buffer_append_u32(out, crc32_ieee(content));
    buffer_append_u32(out, (uint32_t)content.length);
}
