/* The one bounded reader through which all parsing goes. Reading past the end returns zeros (or
 * empty bytes) and sets `is_failed`, which stays set: a decoder reads a whole structure, then looks
 * once. Integers are little-endian. */
#pragma once
#include "base/bytes.h"

struct cursor {
    const uint8_t *at, *end;
    bool is_failed;
};

static inline struct cursor cursor_of(struct bytes bytes) {
    return (struct cursor){.at = bytes.data,
                           .end = bytes.length ? bytes.data + bytes.length : bytes.data};
}
static inline size_t cursor_left(const struct cursor *cursor) {
    return (size_t)(cursor->end - cursor->at);
}
uint8_t cursor_u8(struct cursor *cursor);
uint16_t cursor_u16(struct cursor *cursor);
uint32_t cursor_u32(struct cursor *cursor);
uint64_t cursor_u64(struct cursor *cursor);
uint64_t cursor_long_varint(struct cursor *cursor); /* any; for cursor_varint() */
/* Most lengths and counts are one byte, and an entry has several a command. */
static inline uint64_t cursor_varint(struct cursor *cursor) {
    bool is_short = !cursor->is_failed && cursor->at < cursor->end && *cursor->at < 0x80;
    return is_short ? *cursor->at++ : cursor_long_varint(cursor);
}
/* The same for those who read little else, with all of it in the caller: its cursor stays in
 * registers, if nobody takes its address. Only the shortest form of a number is accepted, so that
 * every value has exactly one encoding and a checksum over a decoded and re-encoded message stays
 * the same. */
static inline __attribute__((always_inline)) uint64_t cursor_varint_here(struct cursor *cursor) {
    const uint8_t *at = cursor->at;
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at < cursor->end && !cursor->is_failed; shift += 7) {
        uint8_t byte = *at++;
        bool is_too_large = shift == 63 && byte > 1;
        bool is_padded = shift > 0 && byte == 0;
        if (is_too_large || is_padded)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            cursor->at = at;
            return value;
        }
    }
    cursor->is_failed = true;
    return 0;
}
/* The next `length` bytes, or NULL and failed. Once failed, everything after fails as well. */
static inline const uint8_t *cursor_take(struct cursor *cursor, size_t length) {
    if (cursor->is_failed || length > cursor_left(cursor)) {
        cursor->is_failed = true;
        return NULL;
    }
    const uint8_t *taken = cursor->at;
    if (length)
        cursor->at += length;
    return taken;
}
/* Borrows from the input. */
static inline struct bytes cursor_bytes(struct cursor *cursor, size_t length) {
    const uint8_t *data = cursor_take(cursor, length);
    return data ? bytes_of(data, length) : BYTES_NONE;
}
static inline struct bytes cursor_length_prefixed(struct cursor *cursor, size_t maximum_bytes) {
    uint64_t length = cursor_varint(cursor);
    if (length > maximum_bytes)
        cursor->is_failed = true;
    return cursor_bytes(cursor, (size_t)length);
}
/* 0 if nothing failed and all was read; else ERR_MALFORMED. */
int cursor_finish(const struct cursor *cursor);
