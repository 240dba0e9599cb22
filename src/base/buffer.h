/* A growing byte buffer with a maximum.
 *
 *      data [ consumed ...... | held ............... | free ........ ]
 *           0             start            start+length       capacity
 *
 * Bytes are appended at the end and consumed at the front. An append that would pass
 * `maximum_bytes` appends nothing and sets `is_overflowed`, which stays set: callers append freely
 * and look once at the end. */
#pragma once
#include "base/bytes.h"
#include <stdarg.h>

struct buffer {
    uint8_t *memory;
    size_t start, length, capacity;
    size_t maximum_bytes;
    bool is_overflowed;
    uint8_t unneeded_count; /* for buffer_reuse() */
};

void buffer_init(struct buffer *buffer, size_t maximum_bytes);
void buffer_release(struct buffer *buffer); /* frees; the struct may be init-ed again */
/* Room for at least `length` more bytes at the end, or NULL (and overflow) past the maximum; then
 * buffer_grew(). */
static inline uint8_t *buffer_reserve(struct buffer *buffer, size_t length);
void buffer_grew(struct buffer *buffer, size_t length);
static inline void buffer_append(struct buffer *buffer, const void *data, size_t length);
static inline void buffer_append_bytes(struct buffer *buffer, struct bytes bytes);
void buffer_append_text(struct buffer *buffer, const char *text);
static inline void buffer_append_u8(struct buffer *buffer, uint8_t value);
/* Integers are little-endian. */
static inline void buffer_append_u16(struct buffer *buffer, uint16_t value);
static inline void buffer_append_u32(struct buffer *buffer, uint32_t value);
static inline void buffer_append_u64(struct buffer *buffer, uint64_t value);
/* LEB128, at most 10 bytes. */
static inline void buffer_append_varint(struct buffer *buffer, uint64_t value);
void buffer_append_length_prefixed(struct buffer *buffer,
                                   struct bytes bytes); /* varint length, then bytes */
void buffer_append_format(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void buffer_append_arguments(struct buffer *buffer, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
/* Gives away the memory, whose first bytes are those that were held, and is empty. Nothing may have
 * been consumed. Returns owned; much more than is held is not given away. */
uint8_t *buffer_take(struct buffer *buffer);
/* Moves what `from` holds, with the memory, to one that holds nothing, which gives its own in
 * return. It is no more than `to` may hold. */
void buffer_move(struct buffer *to, struct buffer *from);
void buffer_consume(struct buffer *buffer, size_t length);
void buffer_truncate(struct buffer *buffer,
                     size_t length); /* keeps the first `length` held bytes */
void buffer_clear(
    struct buffer *buffer); /* empties; keeps small memory, returns large memory; resets overflow */
/* As buffer_clear(), but keeps memory of up to `kept_bytes`: for what is filled again at once. */
void buffer_recycle(struct buffer *buffer, size_t kept_bytes);
/* As buffer_recycle(), for what is filled turn after turn, now more and now less: memory of up to
 * `busy_bytes` is kept as well while it is used. It goes when BUFFER_UNNEEDED_MAXIMUM fillings in a
 * row had no need of it, because to get large memory anew costs more than to fill it. */
enum { BUFFER_UNNEEDED_MAXIMUM = 64 };
void buffer_reuse(struct buffer *buffer, size_t kept_bytes, size_t busy_bytes);

static inline uint8_t *buffer_data(const struct buffer *buffer) {
    return buffer->start ? buffer->memory + buffer->start : buffer->memory; /* NULL has no offset */
}
static inline struct bytes buffer_bytes(const struct buffer *buffer) {
    return (struct bytes){buffer->length ? buffer->memory + buffer->start : NULL, buffer->length};
}

/* Most bytes are written a few at a time, where there is room for them. */

uint8_t *buffer_reserve_more(struct buffer *buffer, size_t length); /* for buffer_reserve() */
static inline uint8_t *buffer_reserve(struct buffer *buffer, size_t length) {
    bool has_room = buffer->memory != NULL &&
                    length <= buffer->capacity - buffer->start - buffer->length &&
                    buffer->length + length <= buffer->maximum_bytes;
    return has_room ? buffer->memory + buffer->start + buffer->length
                    : buffer_reserve_more(buffer, length);
}

static inline void buffer_append(struct buffer *buffer, const void *data, size_t length) {
    if (length == 0)
        return;
    uint8_t *room = buffer_reserve(buffer, length);
    if (room == NULL)
        return;
    memcpy(room, data, length);
    buffer->length += length;
}

static inline void buffer_append_bytes(struct buffer *buffer, struct bytes bytes) {
    buffer_append(buffer, bytes.data, bytes.length);
}

static inline void buffer_append_little_endian(struct buffer *buffer, uint64_t value,
                                               size_t length) {
    uint8_t bytes[8];
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    buffer_append(buffer, bytes, length);
}
static inline void buffer_append_u8(struct buffer *buffer, uint8_t value) {
    buffer_append(buffer, &value, 1);
}
static inline void buffer_append_u16(struct buffer *buffer, uint16_t value) {
    buffer_append_little_endian(buffer, value, 2);
}
static inline void buffer_append_u32(struct buffer *buffer, uint32_t value) {
    buffer_append_little_endian(buffer, value, 4);
}
static inline void buffer_append_u64(struct buffer *buffer, uint64_t value) {
    buffer_append_little_endian(buffer, value, 8);
}

void buffer_append_long_varint(struct buffer *buffer, uint64_t value); /* of any length */
static inline void buffer_append_varint(struct buffer *buffer, uint64_t value) {
    if (value < 0x80)
        buffer_append_u8(buffer, (uint8_t)value);
    else
        buffer_append_long_varint(buffer, value);
}
