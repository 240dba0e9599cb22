#include "keyspace/value/hash_value.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/random.h"
#include "keyspace/value/field_pack.h"
#include "keyspace/value/hash_private.h"
#include "keyspace/value/memory_class.h"

struct hash_value *hash_value_new(void) {
    struct hash_value *hash = memory_allocate(sizeof *hash);
    *hash = (struct hash_value){.pack = NULL, .encoding = HASH_PACK};
    return hash;
}

struct hash_value *hash_value_of_table(struct field_table *table) {
    struct hash_value *hash = memory_allocate(sizeof *hash);
    *hash = (struct hash_value){.table = table, .encoding = HASH_TABLE};
    return hash;
}

struct hash_value *hash_value_copy(const struct hash_value *hash) {
    struct hash_value *copy = hash_value_new();
    copy->encoding = hash->encoding;
    if (hash->encoding == HASH_TABLE)
        copy->table = field_table_share(hash->table);
    else
        copy->pack = field_pack_copy(hash->pack);
    return copy;
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

bool hash_value_free_some(struct hash_value *hash, size_t *elements) {
    if (hash->encoding == HASH_TABLE && !field_table_free_some(hash->table, elements))
        return false;
    if (hash->encoding == HASH_PACK)
        field_pack_free(hash->pack);
    *elements -= *elements > 0;
    memory_free(hash);
    return true;
}

size_t hash_value_memory_bytes(const struct hash_value *hash) {
    return memory_class(sizeof *hash) + (hash->encoding == HASH_TABLE
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

void hash_value_become_table(struct hash_value *hash, uint64_t seed) {
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

bool hash_value_fits_pack(const struct hash_value *hash, struct bytes field, struct bytes value) {
    struct bytes present;
    return field.length <= FIELD_PACK_LONGEST_BYTES && value.length <= FIELD_PACK_LONGEST_BYTES &&
           (field_pack_count(hash->pack) < FIELD_PACK_COUNT_MAXIMUM ||
            field_pack_get(hash->pack, field, &present));
}

bool hash_value_set(struct hash_value *hash, struct bytes field, struct bytes value,
                    uint64_t table_seed) {
    if (hash->encoding == HASH_PACK && !hash_value_fits_pack(hash, field, value))
        hash_value_become_table(hash, table_seed);
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

void hash_value_visit_between(const struct hash_value *hash, uint64_t from, uint64_t to,
                              field_visitor visit, void *context) {
    if (hash->encoding == HASH_TABLE)
        field_table_visit_between(hash->table, from, to, visit, context);
    else if (from == 0)
        hash_value_scan(hash, 0, visit, context);
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

uint64_t hash_pair_hash(struct bytes field, struct bytes value) {
    return bytes_hash(value, bytes_hash(field, VALUE_HASH));
}
