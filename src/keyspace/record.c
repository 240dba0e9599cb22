#include "keyspace/record.h"
#include "base/check.h"
#include <assert.h>
#include <stddef.h>

static_assert(sizeof(struct record) == RECORD_HEADER_BYTES, "memory a key depends on it");
static_assert(offsetof(struct record, body) == RECORD_HEADER_BYTES, "the body begins there");

const char *record_encoding_name(const struct record *record) {
    if (!record->is_object)
        return string_encoding_name((enum string_encoding)record->string_encoding);
    return value_kind_of(record_type(record))->encoding_name(record_object(record));
}

uint64_t record_hash(const struct record *record) {
    uint64_t head[3] = {bytes_hash(record_key(record), 0), record_type(record),
                        record_expiry_ms(record)};
    uint64_t seed = bytes_hash(bytes_of(head, sizeof head), 0);
    if (!record->is_object)
        return bytes_hash(record_string(record), seed);
    uint64_t value = value_kind_of(record_type(record))->hash(record_object(record));
    return bytes_hash(bytes_of(&value, sizeof value), seed);
}
