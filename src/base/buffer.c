#include "base/buffer.h"
#include "base/check.h"
#include "base/memory.h"
#include <stdarg.h>
#include <stdio.h>

enum { BUFFER_SMALLEST_BYTES = 64, BUFFER_KEPT_BYTES = 16384 };

void buffer_init(struct buffer *buffer, size_t maximum_bytes) {
    *buffer = (struct buffer){.maximum_bytes = maximum_bytes};
}

void buffer_release(struct buffer *buffer) {
    memory_free(buffer->memory);
    *buffer = (struct buffer){.maximum_bytes = buffer->maximum_bytes};
}

/* Makes room for `length` more bytes: first by moving the held bytes to the front when that frees
 * at least half of the memory (so that the moves are paid for by what was consumed), else by
 * growing. */
static void buffer_make_room(struct buffer *buffer, size_t length) {
    size_t needed = buffer->length + length;
    if (buffer->start >= buffer->capacity / 2 && needed <= buffer->capacity) {
        memmove(buffer->memory, buffer->memory + buffer->start, buffer->length);
        buffer->start = 0;
        return;
    }
    size_t capacity = buffer->capacity * 2;
    if (capacity > buffer->maximum_bytes)
        capacity = buffer->maximum_bytes;
    if (capacity < needed)
        capacity = needed;
    if (capacity < BUFFER_SMALLEST_BYTES)
        capacity = BUFFER_SMALLEST_BYTES;
    if (buffer->start == 0) {
        buffer->memory = memory_resize(buffer->memory, capacity);
    } else {
        uint8_t *memory = memory_allocate(capacity);
        memcpy(memory, buffer->memory + buffer->start, buffer->length);
        memory_free(buffer->memory);
        buffer->memory = memory;
        buffer->start = 0;
    }
    buffer->capacity = capacity;
}

uint8_t *buffer_reserve_more(struct buffer *buffer, size_t length) {
    if (length > buffer->maximum_bytes || buffer->length > buffer->maximum_bytes - length) {
        buffer->is_overflowed = true;
        return NULL;
    }
    if (length > buffer->capacity - buffer->start - buffer->length || buffer->memory == NULL)
        buffer_make_room(buffer, length);
    return buffer->memory + buffer->start + buffer->length;
}

void buffer_grew(struct buffer *buffer, size_t length) {
    CHECK(length <= buffer->capacity - buffer->start - buffer->length);
    buffer->length += length;
}

void buffer_append_text(struct buffer *buffer, const char *text) {
    buffer_append(buffer, text, strlen(text));
}

void buffer_append_long_varint(struct buffer *buffer, uint64_t value) {
    uint8_t bytes[10];
    size_t length = 0;
    while (value >= 0x80) {
        bytes[length++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[length++] = (uint8_t)value;
    buffer_append(buffer, bytes, length);
}

void buffer_append_length_prefixed(struct buffer *buffer, struct bytes bytes) {
    buffer_append_varint(buffer, bytes.length);
    buffer_append_bytes(buffer, bytes);
}

void buffer_append_arguments(struct buffer *buffer, const char *format, va_list arguments) {
    char small[256];
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(small, sizeof small, format, arguments);
    CHECK(length >= 0);
    if ((size_t)length < sizeof small) {
        buffer_append(buffer, small, (size_t)length);
    } else {
        char *large = memory_allocate((size_t)length + 1);
        vsnprintf(large, (size_t)length + 1, format, again);
        buffer_append(buffer, large, (size_t)length);
        memory_free(large);
    }
    va_end(again);
}

void buffer_append_format(struct buffer *buffer, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    buffer_append_arguments(buffer, format, arguments);
    va_end(arguments);
}

void buffer_consume(struct buffer *buffer, size_t length) {
    CHECK(length <= buffer->length);
    buffer->start += length;
    buffer->length -= length;
    if (buffer->length == 0)
        buffer->start = 0;
}

void buffer_truncate(struct buffer *buffer, size_t length) {
    CHECK(length <= buffer->length);
    buffer->length = length;
}

uint8_t *buffer_take(struct buffer *buffer) {
    CHECK(buffer->start == 0 && buffer->memory != NULL);
    uint8_t *memory = buffer->memory;
    if (buffer->capacity - buffer->length > buffer->length / 4 + BUFFER_SMALLEST_BYTES)
        memory = memory_resize(memory, buffer->length);
    buffer->memory = NULL;
    buffer->capacity = buffer->length = 0;
    return memory;
}

void buffer_move(struct buffer *to, struct buffer *from) {
    CHECK(to->length == 0 && from->length <= to->maximum_bytes);
    struct buffer moved = *from;
    from->memory = to->memory;
    from->capacity = to->capacity;
    from->start = from->length = 0;
    to->memory = moved.memory;
    to->capacity = moved.capacity;
    to->start = moved.start;
    to->length = moved.length;
}

void buffer_clear(struct buffer *buffer) { buffer_recycle(buffer, BUFFER_KEPT_BYTES); }

void buffer_recycle(struct buffer *buffer, size_t kept_bytes) {
    if (buffer->capacity > kept_bytes) {
        memory_free(buffer->memory);
        buffer->memory = NULL;
        buffer->capacity = 0;
    }
    buffer->start = buffer->length = 0;
    buffer->is_overflowed = false;
}

void buffer_reuse(struct buffer *buffer, size_t kept_bytes, size_t busy_bytes) {
    bool is_needed = buffer->length > kept_bytes || buffer->capacity <= kept_bytes;
    bool is_kept = is_needed || ++buffer->unneeded_count < BUFFER_UNNEEDED_MAXIMUM;
    if (is_needed || !is_kept)
        buffer->unneeded_count = 0;
    buffer_recycle(buffer, is_kept ? busy_bytes : kept_bytes);
}
