/* The inside of struct hash_value, for the files of this folder. */
#pragma once
#include "keyspace/value/hash_value.h"

struct hash_value {
    union {
        struct field_pack *pack; /* NULL while empty */
        struct field_table *table;
    };
    enum hash_encoding encoding;
};

/* Of a table it shares all: O(1). Returns owned. */
struct hash_value *hash_value_copy(const struct hash_value *hash);
/* Would the pair, if it is new, leave it a pack? */
bool hash_value_fits_pack(const struct hash_value *hash, struct bytes field, struct bytes value);
/* Takes the table. Returns owned. */
struct hash_value *hash_value_of_table(struct field_table *table);
void hash_value_become_table(struct hash_value *hash, uint64_t seed);
/* Of the sum that the kind's hash() is, which knows no order. */
uint64_t hash_pair_hash(struct bytes field, struct bytes value);
