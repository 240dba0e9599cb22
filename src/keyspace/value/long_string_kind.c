#include "keyspace/value/long_string_kind.h"
#include "keyspace/value/long_string.h"

static void kind_free(void *object) { long_string_free(object); }

static bool kind_free_some(void *object, size_t *elements) {
    return long_string_free_some(object, elements);
}

static void *kind_copy(const void *object) { return long_string_share(object); }

static size_t kind_memory_bytes(const void *object) { return long_string_memory_bytes(object); }

static uint8_t kind_encoding(const void *object) {
    (void)object;
    return STRING_RAW;
}

static const char *kind_encoding_name(const void *object) {
    (void)object;
    return "raw";
}

static void *kind_view(void *object, bool is_given, uint64_t *kept_bytes) {
    return long_string_view(object, is_given, kept_bytes);
}

static void *kind_view_end(void *view) { return long_string_end_view(view); }

const struct value_kind long_string_kind = {
    .name = "string",
    .free = kind_free,
    .free_some = kind_free_some,
    .copy = kind_copy,
    .memory_bytes = kind_memory_bytes,
    .encoding = kind_encoding,
    .encoding_name = kind_encoding_name,
    .view = kind_view,
    .view_encoding = kind_encoding,
    .view_end = kind_view_end,
};
