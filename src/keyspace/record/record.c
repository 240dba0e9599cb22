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
