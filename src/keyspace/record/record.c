#include "keyspace/record/record.h"
#include "keyspace/value/memory_class.h"
#include <assert.h>
#include <stddef.h>

static_assert(sizeof(struct record) == RECORD_HEADER_BYTES, "memory a key depends on it");
static_assert(offsetof(struct record, body) == RECORD_HEADER_BYTES, "the body begins there");

size_t record_memory_bytes(const struct record *record) {
    size_t own_bytes = memory_class(record_bytes(record));
    if (!record_is_object(record))
        return own_bytes;
    return own_bytes + value_kind_of(record_type(record))->memory_bytes(record_object(record));
}

const char *record_encoding_name(const struct record *record) {
    if (!record_is_object(record))
        return string_encoding_name(record_string_encoding(record));
    return value_kind_of(record_type(record))->encoding_name(record_object(record));
}

struct bytes record_string_piece(const struct record *record, size_t offset, size_t maximum) {
    if (record_is_object(record))
        return long_string_piece(record_object(record), offset, maximum);
    struct bytes string = record_string(record);
    size_t left = string.length - offset;
    return bytes_of(string.data + offset, left < maximum ? left : maximum);
}

uint64_t record_hash_seed(const struct record *record) {
    uint64_t head[3] = {bytes_hash(record_key(record), 0), record_type(record),
                        record_expiry_ms(record)};
    return bytes_hash(bytes_of(head, sizeof head), 0);
}

uint64_t record_hash_by_object(const struct record *record, uint64_t object_hash) {
    return bytes_hash(bytes_of(&object_hash, sizeof object_hash), record_hash_seed(record));
}

uint64_t record_hash(const struct record *record) {
    if (!record_is_object(record))
        return bytes_hash(record_string(record), record_hash_seed(record));
    if (record_is_long_string(record))
        return long_string_hash(record_object(record), record_hash_seed(record));
    const struct value_kind *kind = value_kind_of(record_type(record));
    return record_hash_by_object(record, kind->hash(record_object(record)));
}

/* However the string stands in memory, here or on another replica. */
static uint64_t string_hash_between(const struct record *record, uint64_t from, uint64_t to) {
    size_t length = record_string_length(record);
    size_t end = to != 0 && to < length ? (size_t)to : length;
    struct bytes_hasher *hasher = bytes_hasher_new(0);
    for (size_t offset = (size_t)from; offset < end;) {
        struct bytes piece = record_string_piece(record, offset, end - offset);
        bytes_hasher_add(hasher, piece);
        offset += piece.length;
    }
    uint64_t hash = bytes_hasher_sum(hasher);
    bytes_hasher_free(hasher);
    return hash;
}

uint64_t record_hash_between(const struct record *record, uint64_t from, uint64_t to) {
    uint64_t share[2] = {0};
    if (record_type(record) == VALUE_STRING) {
        share[0] = string_hash_between(record, from, to);
        share[1] = record_string_length(record);
    } else {
        const struct value_kind *kind = value_kind_of(record_type(record));
        share[0] = kind->hash_between(record_object(record), from, to);
    }
    return bytes_hash(bytes_of(share, sizeof share), record_hash_seed(record));
}

uint64_t record_place_behind(const struct record *record, uint64_t from, size_t bytes) {
    if (record_type(record) != VALUE_STRING) {
        const struct value_kind *kind = value_kind_of(record_type(record));
        return kind->place_behind(record_object(record), from, bytes);
    }
    uint64_t length = record_string_length(record);
    return from < length && bytes < length - from ? from + bytes : 0;
}
