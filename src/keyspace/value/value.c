#include "keyspace/value/value.h"
#include "base/text/number.h"
#include "keyspace/value/hash_kind.h"
#include "keyspace/value/long_string_kind.h"

const struct value_kind *value_kind_of(enum value_type type) {
    switch (type) {
    case VALUE_HASH:
        return &hash_value_kind;
    case VALUE_STRING:
        return &long_string_kind;
    case VALUE_LIST:
    case VALUE_SET:
    case VALUE_ZSET:
    case VALUE_STREAM:
    case VALUE_TYPE_COUNT:
        return NULL;
    }
    return NULL;
}

const char *value_type_name(enum value_type type) {
    const struct value_kind *kind = value_kind_of(type);
    return kind ? kind->name : "string";
}

enum string_encoding string_encoding_of(struct bytes text) {
    int64_t value;
    if (text.length <= 20 && number_parse_i64(text, &value))
        return STRING_INT;
    return text.length <= STRING_EMBSTR_BYTES_MAXIMUM ? STRING_EMBSTR : STRING_RAW;
}

const char *string_encoding_name(enum string_encoding encoding) {
    switch (encoding) {
    case STRING_INT:
        return "int";
    case STRING_EMBSTR:
        return "embstr";
    case STRING_RAW:
        return "raw";
    }
    return "raw";
}
