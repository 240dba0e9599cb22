/* A hash: fields with values, as the commands and the keyspace see it. It begins as a field_pack
 * (OBJECT ENCODING says "listpack") and becomes a field_table ("hashtable") when it passes the
 * pack's count or a field or value its length; like Redis, it never goes back. */
#pragma once
#include "keyspace/value/field_table.h"
#include "keyspace/value/value.h"

struct hash_value;
struct field_pack;

/* How a hash is saved: never renumber. */
enum hash_encoding { HASH_PACK = 0, HASH_TABLE = 1 };

struct hash_value *hash_value_new(void);       /* returns owned: an empty pack */
void hash_value_free(struct hash_value *hash); /* takes; NULL is allowed */
/* As struct value_kind has it. */
bool hash_value_free_some(struct hash_value *hash, size_t *elements);
size_t hash_value_memory_bytes(const struct hash_value *hash);
enum hash_encoding hash_value_encoding(const struct hash_value *hash);
size_t hash_value_count(const struct hash_value *hash);
/* Borrows; good until the field is changed. */
bool hash_value_get(const struct hash_value *hash, struct bytes field, struct bytes *value);
/* True if the field is new. `table_seed` is for the hash function, should this change make it a
 * table: it must be the same on every replica, so it comes from the log. The arguments may not
 * stand inside the hash. */
bool hash_value_set(struct hash_value *hash, struct bytes field, struct bytes value,
                    uint64_t table_seed);
/* False if it was absent. */
bool hash_value_remove(struct hash_value *hash, struct bytes field);

/* Where a walk stands; zeroed to begin. */
struct hash_position {
    size_t pack;
    struct field_table_position table;
};
/* Every pair once, while nothing changes: a pack in order of insertion, a table in no order that
 * means anything. False at the end. */
bool hash_value_next(const struct hash_value *hash, struct hash_position *position,
                     struct bytes *field, struct bytes *value);
/* As field_table_scan; a pack is visited whole, and the next cursor is 0. */
uint64_t hash_value_scan(const struct hash_value *hash, uint64_t cursor, field_visitor visit,
                         void *context);
/* As field_table_visit_between; a pack is visited whole, by whatever begins at 0. */
void hash_value_visit_between(const struct hash_value *hash, uint64_t from, uint64_t to,
                              field_visitor visit, void *context);
/* A pair by lot. The hash may not be empty. */
void hash_value_random(const struct hash_value *hash, struct random *random, struct bytes *field,
                       struct bytes *value);
