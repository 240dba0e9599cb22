/* The one bounded reader through which all parsing goes. Reading past the end returns zeros (or
 * empty bytes) and sets `is_failed`, which stays set: a decoder reads a whole structure, then looks
 * once. Integers are little-endian. */
#pragma once
#include "base/bytes.h"

struct cursor {
    const uint8_t *at, *end;
    bool is_failed;
};

struct cursor cursor_of(struct bytes bytes);
uint8_t cursor_u8(struct cursor *cursor);
uint16_t cursor_u16(struct cursor *cursor);
uint32_t cursor_u32(struct cursor *cursor);
uint64_t cursor_u64(struct cursor *cursor);
uint64_t cursor_varint(struct cursor *cursor);
struct bytes cursor_bytes(struct cursor *cursor, size_t length); /* borrows from the input */
struct bytes cursor_length_prefixed(struct cursor *cursor, size_t maximum_bytes);
size_t cursor_left(const struct cursor *cursor);
/* 0 if nothing failed and all was read; else ERR_MALFORMED. */
int cursor_finish(const struct cursor *cursor);
