#include "keyspace/hash_value.h"
#include "base/check.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "base/random.h"
#include "keyspace/field_pack.h"
#include "keyspace/hash_view.h"

struct hash_value *hash_value_new(void) {
    struct hash_value *hash = memory_allocate(sizeof *hash);
    *hash = (struct hash_value){.pack = NULL, .encoding = HASH_PACK};
    return hash;
}

void hash_value_free(struct hash_value *hash) {
    if (hash == NULL)
        return;
    if (hash->encoding == HASH_TABLE)
        field_table_free(hash->table);
    else
        field_pack_free(hash->pack);
    memory_free(hash);
}

size_t hash_value_memory_bytes(const struct hash_value *hash) {
    return value_memory_class(sizeof *hash) + (hash->encoding == HASH_TABLE
                                                   ? field_table_memory_bytes(hash->table)
                                                   : field_pack_memory_bytes(hash->pack));
}

enum hash_encoding hash_value_encoding(const struct hash_value *hash) { return hash->encoding; }

size_t hash_value_count(const struct hash_value *hash) {
    return hash->encoding == HASH_TABLE ? field_table_count(hash->table)
                                        : field_pack_count(hash->pack);
}

bool hash_value_get(const struct hash_value *hash, struct bytes field, struct bytes *value) {
    return hash->encoding == HASH_TABLE ? field_table_get(hash->table, field, value)
                                        : field_pack_get(hash->pack, field, value);
}

/* ---- changing ----------------------------------------------------------------------------- */

static void hash_become_table(struct hash_value *hash, uint64_t seed) {
    struct field_pack *pack = hash->pack;
    struct field_table *table = field_table_new(seed, field_pack_count(pack) + 1);
    size_t position = 0;
    struct bytes field, value;
    while (field_pack_next(pack, &position, &field, &value))
        field_table_set(table, field, value);
    field_pack_free(pack);
    hash->table = table;
    hash->encoding = HASH_TABLE;
}

static bool hash_fits_pack(const struct hash_value *hash, struct bytes field, struct bytes value) {
    struct bytes present;
    return field.length <= FIELD_PACK_LONGEST_BYTES && value.length <= FIELD_PACK_LONGEST_BYTES &&
           (field_pack_count(hash->pack) < FIELD_PACK_COUNT_MAXIMUM ||
            field_pack_get(hash->pack, field, &present));
}

bool hash_value_set(struct hash_value *hash, struct bytes field, struct bytes value,
                    uint64_t table_seed) {
    if (hash->encoding == HASH_PACK && !hash_fits_pack(hash, field, value))
        hash_become_table(hash, table_seed);
    return hash->encoding == HASH_TABLE ? field_table_set(hash->table, field, value)
                                        : field_pack_set(&hash->pack, field, value);
}

bool hash_value_remove(struct hash_value *hash, struct bytes field) {
    return hash->encoding == HASH_TABLE ? field_table_remove(hash->table, field)
                                        : field_pack_remove(&hash->pack, field);
}

/* ---- walking ------------------------------------------------------------------------------ */

bool hash_value_next(const struct hash_value *hash, struct hash_position *position,
                     struct bytes *field, struct bytes *value) {
    return hash->encoding == HASH_TABLE
               ? field_table_next(hash->table, &position->table, field, value)
               : field_pack_next(hash->pack, &position->pack, field, value);
}

uint64_t hash_value_scan(const struct hash_value *hash, uint64_t cursor, field_visitor visit,
                         void *context) {
    if (hash->encoding == HASH_TABLE)
        return field_table_scan(hash->table, cursor, visit, context);
    size_t position = 0;
    struct bytes field, value;
    while (field_pack_next(hash->pack, &position, &field, &value))
        visit(context, field, value);
    return 0;
}

void hash_value_random(const struct hash_value *hash, struct random *random, struct bytes *field,
                       struct bytes *value) {
    if (hash->encoding == HASH_TABLE) {
        field_table_random(hash->table, random, field, value);
        return;
    }
    size_t position = 0;
    uint64_t lot = random_below(random, field_pack_count(hash->pack));
    do
        CHECK(field_pack_next(hash->pack, &position, field, value));
    while (lot-- > 0);
}

/* ---- what the keyspace asks --------------------------------------------------------------- */

static void kind_free(void *object) { hash_value_free(object); }

static void *kind_copy(const void *object) {
    const struct hash_value *hash = object;
    struct hash_value *copy = hash_value_new();
    copy->encoding = hash->encoding;
    if (hash->encoding == HASH_TABLE)
        copy->table = field_table_copy(hash->table);
    else
        copy->pack = field_pack_copy(hash->pack);
    return copy;
}

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
    if (hash->encoding == HASH_PACK && !hash_fits_pack(hash, field, value))
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
            hash_become_table(hash, seed);
    }
    if (hash->encoding != (enum hash_encoding)encoding)
        return ERR_MALFORMED;
    int status = cursor.is_failed ? ERR_MALFORMED : 0;
    while (status == 0 && cursor_left(&cursor) > 0)
        status = load_pair(hash, &cursor);
    return status != 0 || hash_value_count(hash) == 0 ? ERR_MALFORMED : 0;
}

/* A sum over the pairs knows no order. */
uint64_t hash_pair_hash(struct bytes field, struct bytes value) {
    return bytes_hash(value, bytes_hash(field, VALUE_HASH));
}

static uint64_t kind_hash(const void *object) {
    uint64_t sum = 0;
    struct hash_position position = {0};
    struct bytes field, value;
    while (hash_value_next(object, &position, &field, &value))
        sum += hash_pair_hash(field, value);
    return sum;
}

const struct value_kind hash_value_kind = {
    .name = "hash",
    .free = kind_free,
    .copy = kind_copy,
    .memory_bytes = kind_memory_bytes,
    .encoding = kind_encoding,
    .encoding_name = kind_encoding_name,
    .save = kind_save,
    .view = hash_view_new,
    .view_save = hash_view_save,
    .view_encoding = hash_view_encoding,
    .view_free = hash_view_free,
    .load = kind_load,
    .hash = kind_hash,
};
