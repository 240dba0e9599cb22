#include "keyspace/value/hash_kind.h"
#include "base/cursor.h"
#include "keyspace/value/hash_private.h"
#include "keyspace/value/hash_view.h"

static void kind_free(void *object) { hash_value_free(object); }

static bool kind_free_some(void *object, size_t *elements) {
    return hash_value_free_some(object, elements);
}

static void *kind_copy(const void *object) { return hash_value_copy(object); }

static size_t kind_memory_bytes(const void *object) { return hash_value_memory_bytes(object); }

static uint8_t kind_encoding(const void *object) { return (uint8_t)hash_value_encoding(object); }

static const char *kind_encoding_name(const void *object) {
    return hash_value_encoding(object) == HASH_TABLE ? "hashtable" : "listpack";
}

/* ---- saving: a piece is pairs of length-prefixed field and value; a table's pieces begin with its
 * seed, 8 bytes ------- */

static void save_pair(void *context, struct bytes field, struct bytes value) {
    struct buffer *out = context;
    buffer_append_length_prefixed(out, field);
    buffer_append_length_prefixed(out, value);
}

static void kind_save(const void *object, uint64_t *position, size_t maximum_bytes,
                      struct buffer *out) {
    const struct hash_value *hash = object;
    size_t begin = out->length;
    if (hash->encoding == HASH_TABLE)
        buffer_append_u64(out, field_table_seed(hash->table));
    do
        *position = hash_value_scan(hash, *position, save_pair, out);
    while (*position != 0 && out->length - begin < maximum_bytes);
}

/* Adds one pair; a pair that an honest save() could not have written is refused. */
static int load_pair(struct hash_value *hash, struct cursor *cursor) {
    struct bytes field = cursor_length_prefixed(cursor, UINT32_MAX);
    struct bytes value = cursor_length_prefixed(cursor, UINT32_MAX), present;
    if (cursor->is_failed || hash_value_get(hash, field, &present))
        return ERR_MALFORMED;
    if (hash->encoding == HASH_PACK && !hash_value_fits_pack(hash, field, value))
        return ERR_MALFORMED;
    hash_value_set(hash, field, value, 0);
    return 0;
}

static int kind_load(void **object, uint8_t encoding, struct bytes piece) {
    struct cursor cursor = cursor_of(piece);
    if (encoding != HASH_PACK && encoding != HASH_TABLE)
        return ERR_MALFORMED;
    uint64_t seed = encoding == HASH_TABLE ? cursor_u64(&cursor) : 0;
    struct hash_value *hash = *object;
    if (hash == NULL) {
        *object = hash = hash_value_new();
        if (encoding == HASH_TABLE)
            hash_value_become_table(hash, seed);
    }
    if (hash->encoding != (enum hash_encoding)encoding)
        return ERR_MALFORMED;
    int status = cursor.is_failed ? ERR_MALFORMED : 0;
    while (status == 0 && cursor_left(&cursor) > 0)
        status = load_pair(hash, &cursor);
    return status != 0 || hash_value_count(hash) == 0 ? ERR_MALFORMED : 0;
}

static uint64_t kind_hash(const void *object) {
    uint64_t sum = 0;
    struct hash_position position = {0};
    struct bytes field, value;
    while (hash_value_next(object, &position, &field, &value))
        sum += hash_pair_hash(field, value);
    return sum;
}

static void add_hash(void *context, struct bytes field, struct bytes value) {
    *(uint64_t *)context += hash_pair_hash(field, value);
}

static uint64_t kind_hash_between(const void *object, uint64_t from, uint64_t to) {
    uint64_t sum = 0;
    hash_value_visit_between(object, from, to, add_hash, &sum);
    return sum;
}

static void add_length(void *context, struct bytes field, struct bytes value) {
    *(size_t *)context += field.length + value.length;
}

/* Empty buckets take time as well. */
static uint64_t kind_place_behind(const void *object, uint64_t from, size_t bytes) {
    enum { BUCKET_BYTES = 8 };
    size_t passed_bytes = 0;
    do {
        from = hash_value_scan(object, from, add_length, &passed_bytes);
        passed_bytes += BUCKET_BYTES;
    } while (from != 0 && passed_bytes < bytes);
    return from;
}

const struct value_kind hash_value_kind = {
    .name = "hash",
    .free = kind_free,
    .free_some = kind_free_some,
    .copy = kind_copy,
    .memory_bytes = kind_memory_bytes,
    .encoding = kind_encoding,
    .encoding_name = kind_encoding_name,
    .save = kind_save,
    .view = hash_view_new,
    .view_save = hash_view_save,
    .view_encoding = hash_view_encoding,
    .view_end = hash_view_end,
    .load = kind_load,
    .hash = kind_hash,
    .hash_between = kind_hash_between,
    .place_behind = kind_place_behind,
};
