/* Messages of Protocol Buffers, read from and written to plain structs: what is sent with every
 * entry is neither allocated nor copied for it. Bytes are borrowed from what is read, and are
 * appended by whoever writes.
 *
 * A table says where each field goes, by its number:
 *
 *     static const struct protobuf_field fields[] = {PROTOBUF_FIELD(struct wish, 1, chunk)};
 *     static const struct protobuf_shape shape = PROTOBUF_SHAPE(fields, 0);
 *
 * Fields that a table does not have are skipped; of one that comes twice the last counts. Of
 * numbers only the shortest form is read, which is the only one that anybody writes. */
#pragma once
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"
#include <stddef.h>

enum protobuf_kind {
    PROTOBUF_NOTHING, /* no field has this number */
    PROTOBUF_BOOL,
    PROTOBUF_U32,
    PROTOBUF_U64,
    PROTOBUF_FIXED64,
    PROTOBUF_BYTES
};

enum {
    PROTOBUF_FIELD_MAXIMUM = 32,       /* numbers of a table are below it */
    PROTOBUF_NUMBER_BYTES_MAXIMUM = 15 /* a field's tag and a number */
};

struct protobuf_field {
    uint8_t kind;   /* enum protobuf_kind */
    uint8_t offset; /* in the struct */
};

struct protobuf_shape {
    const struct protobuf_field *fields; /* by number */
    uint8_t count;
    uint8_t data; /* the number of the one field of bytes, which is written last; 0: none */
};

#define PROTOBUF_KIND(member)                                                                      \
    _Generic((member), bool                                                                        \
             : PROTOBUF_BOOL, uint32_t                                                             \
             : PROTOBUF_U32, uint64_t                                                              \
             : PROTOBUF_U64, struct bytes                                                          \
             : PROTOBUF_BYTES)
#define PROTOBUF_FIELD(type, number, name)                                                         \
    [number] = {PROTOBUF_KIND(((type *)NULL)->name), offsetof(type, name)}
#define PROTOBUF_FIELD_FIXED64(type, number, name)                                                 \
    [number] = {PROTOBUF_FIXED64, offsetof(type, name)}
#define PROTOBUF_SHAPE(table, data_number)                                                         \
    { .fields = (table), .count = sizeof(table) / sizeof(table)[0], .data = (data_number) }

/* One field as it came. */
struct protobuf_item {
    uint32_t number;
    bool is_bytes;
    uint64_t value;
    struct bytes bytes; /* borrowed */
};

/* The next field. False at the end, and where the input is malformed: `in->is_failed` tells. */
bool protobuf_next(struct cursor *in, struct protobuf_item *item);
/* Into a struct that is zeroed at first. ERR_MALFORMED. */
int protobuf_read(const struct protobuf_shape *shape, struct bytes in, void *out) MUST_CHECK;
/* A message as field `number` of the one that `out` holds. The caller appends `data_bytes` bytes
 * then, which become the data field (none where it is 0). */
void protobuf_append(struct buffer *out, uint32_t number, const struct protobuf_shape *shape,
                     const void *message, size_t data_bytes);
/* The same, but what the caller appends then are `tail_bytes` bytes of whole fields. */
void protobuf_append_open(struct buffer *out, uint32_t number, const struct protobuf_shape *shape,
                          const void *message, size_t tail_bytes);
/* Fields of the message that `out` holds itself; what is 0 or empty is left out. */
void protobuf_append_numbers(struct buffer *out, const struct protobuf_shape *shape,
                             const void *message);
void protobuf_append_bytes(struct buffer *out, uint32_t number, struct bytes bytes);
