#include "wire/protobuf.h"
#include "base/check.h"

/* https://protobuf.dev/programming-guides/encoding */
enum wire_type { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

enum {
    WIRE_TYPE_BITS = 3,
    NUMBERS_BYTES_MAXIMUM = PROTOBUF_FIELD_MAXIMUM * PROTOBUF_NUMBER_BYTES_MAXIMUM
};

/* ---- reading ---- */

/* By way of a copy: the cursor itself stays in registers. */
static uint64_t fixed_number(struct cursor *in, enum wire_type type) {
    struct cursor rest = *in;
    uint64_t value = type == WIRE_64 ? cursor_u64(&rest) : cursor_u32(&rest);
    *in = rest;
    return value;
}

static inline bool next_item(struct cursor *in, struct protobuf_item *item) {
    if (in->is_failed || cursor_left(in) == 0)
        return false;
    uint64_t tag = cursor_varint_here(in);
    enum wire_type type = (enum wire_type)(tag & ((1 << WIRE_TYPE_BITS) - 1));
    *item = (struct protobuf_item){.number = (uint32_t)(tag >> WIRE_TYPE_BITS),
                                   .is_bytes = type == WIRE_BYTES};
    if (type == WIRE_VARINT)
        item->value = cursor_varint_here(in);
    else if (type == WIRE_BYTES)
        item->bytes = cursor_bytes(in, cursor_varint_here(in));
    else if (type == WIRE_64 || type == WIRE_32)
        item->value = fixed_number(in, type);
    else
        in->is_failed = true;
    if (item->number == 0 || tag > UINT32_MAX)
        in->is_failed = true;
    return !in->is_failed;
}

bool protobuf_next(struct cursor *in, struct protobuf_item *item) { return next_item(in, item); }

static void store(void *at, enum protobuf_kind kind, const struct protobuf_item *item) {
    switch (kind) {
    case PROTOBUF_BOOL:
        *(bool *)at = item->value != 0;
        return;
    case PROTOBUF_U32:
        *(uint32_t *)at = (uint32_t)item->value;
        return;
    case PROTOBUF_U64:
    case PROTOBUF_FIXED64:
        *(uint64_t *)at = item->value;
        return;
    case PROTOBUF_BYTES:
        *(struct bytes *)at = item->bytes;
        return;
    case PROTOBUF_NOTHING:
        return;
    }
}

int protobuf_read(const struct protobuf_shape *shape, struct bytes in, void *out) {
    struct cursor cursor = cursor_of(in);
    struct protobuf_item item;
    while (next_item(&cursor, &item)) {
        enum protobuf_kind kind =
            item.number < shape->count ? shape->fields[item.number].kind : PROTOBUF_NOTHING;
        if (kind == PROTOBUF_NOTHING)
            continue;
        if ((kind == PROTOBUF_BYTES) != item.is_bytes)
            return ERR_MALFORMED;
        store((uint8_t *)out + shape->fields[item.number].offset, kind, &item);
    }
    return cursor.is_failed ? ERR_MALFORMED : 0;
}

/* ---- writing ---- */

static uint8_t *put_varint(uint8_t *at, uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

static uint8_t *put_fixed64(uint8_t *at, uint64_t value) {
    for (unsigned i = 0; i < 8; i++)
        *at++ = (uint8_t)(value >> (8 * i));
    return at;
}

static uint64_t number_of(const void *at, enum protobuf_kind kind) {
    switch (kind) {
    case PROTOBUF_BOOL:
        return *(const bool *)at;
    case PROTOBUF_U32:
        return *(const uint32_t *)at;
    case PROTOBUF_U64:
    case PROTOBUF_FIXED64:
        return *(const uint64_t *)at;
    case PROTOBUF_NOTHING:
    case PROTOBUF_BYTES:
        return 0;
    }
    UNREACHABLE();
}

/* Its numbers, but for those that are 0: proto3 leaves them out. */
static uint8_t *put_numbers(uint8_t *at, const struct protobuf_shape *shape, const void *message) {
    CHECK(shape->count <= PROTOBUF_FIELD_MAXIMUM);
    for (unsigned number = 1; number < shape->count; number++) {
        enum protobuf_kind kind = shape->fields[number].kind;
        uint64_t value = number_of((const uint8_t *)message + shape->fields[number].offset, kind);
        if (value == 0)
            continue;
        bool is_fixed = kind == PROTOBUF_FIXED64;
        at = put_varint(at, number << WIRE_TYPE_BITS | (is_fixed ? WIRE_64 : WIRE_VARINT));
        at = is_fixed ? put_fixed64(at, value) : put_varint(at, value);
    }
    return at;
}

static void append_head(struct buffer *out, uint32_t number, size_t bytes) {
    uint8_t head[PROTOBUF_NUMBER_BYTES_MAXIMUM];
    uint8_t *end = put_varint(head, number << WIRE_TYPE_BITS | WIRE_BYTES);
    end = put_varint(end, bytes);
    buffer_append(out, head, (size_t)(end - head));
}

void protobuf_append_open(struct buffer *out, uint32_t number, const struct protobuf_shape *shape,
                          const void *message, size_t tail_bytes) {
    uint8_t numbers[NUMBERS_BYTES_MAXIMUM];
    uint8_t *end = put_numbers(numbers, shape, message);
    size_t length = (size_t)(end - numbers);
    append_head(out, number, length + tail_bytes);
    buffer_append(out, numbers, length);
}

static size_t head_bytes(uint32_t number, size_t bytes) {
    uint8_t head[PROTOBUF_NUMBER_BYTES_MAXIMUM];
    uint8_t *end = put_varint(head, number << WIRE_TYPE_BITS | WIRE_BYTES);
    return (size_t)(put_varint(end, bytes) - head);
}

void protobuf_append(struct buffer *out, uint32_t number, const struct protobuf_shape *shape,
                     const void *message, size_t data_bytes) {
    CHECK(data_bytes == 0 || shape->data != 0);
    size_t data_head_bytes = data_bytes ? head_bytes(shape->data, data_bytes) : 0;
    protobuf_append_open(out, number, shape, message, data_head_bytes + data_bytes);
    if (data_bytes)
        append_head(out, shape->data, data_bytes);
}

void protobuf_append_numbers(struct buffer *out, const struct protobuf_shape *shape,
                             const void *message) {
    uint8_t numbers[NUMBERS_BYTES_MAXIMUM];
    uint8_t *end = put_numbers(numbers, shape, message);
    buffer_append(out, numbers, (size_t)(end - numbers));
}

void protobuf_append_bytes(struct buffer *out, uint32_t number, struct bytes bytes) {
    if (bytes.length == 0)
        return;
    append_head(out, number, bytes.length);
    buffer_append_bytes(out, bytes);
}
