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

uint64_t cursor_long_varint(struct cursor *cursor) { return cursor_varint_here(cursor); }

int cursor_finish(const struct cursor *cursor) {
    return !cursor->is_failed && cursor_left(cursor) == 0 ? 0 : ERR_MALFORMED;
}
