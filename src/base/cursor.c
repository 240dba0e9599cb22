#include "base/cursor.h"
#include "base/error.h"

static uint64_t cursor_little_endian(struct cursor *cursor, size_t length) {
    const uint8_t *bytes = cursor_take(cursor, length);
    if (bytes == NULL)
        return 0;
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

uint8_t cursor_u8(struct cursor *cursor) { return (uint8_t)cursor_little_endian(cursor, 1); }
uint16_t cursor_u16(struct cursor *cursor) { return (uint16_t)cursor_little_endian(cursor, 2); }
uint32_t cursor_u32(struct cursor *cursor) { return (uint32_t)cursor_little_endian(cursor, 4); }
uint64_t cursor_u64(struct cursor *cursor) { return cursor_little_endian(cursor, 8); }

/* Only the shortest form of a number is accepted, so that every value has exactly one encoding and
 * a checksum over a decoded and re-encoded message stays the same. */
uint64_t cursor_long_varint(struct cursor *cursor) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint8_t *byte = cursor_take(cursor, 1);
        if (byte == NULL)
            return 0;
        bool is_too_large = shift == 63 && *byte > 1;
        bool is_padded = shift > 0 && *byte == 0;
        if (is_too_large || is_padded)
            break;
        value |= (uint64_t)(*byte & 0x7f) << shift;
        if (*byte < 0x80)
            return value;
    }
    cursor->is_failed = true;
    return 0;
}

int cursor_finish(const struct cursor *cursor) {
    return !cursor->is_failed && cursor_left(cursor) == 0 ? 0 : ERR_MALFORMED;
}
