/* What a hash held at one moment, to be saved bit by bit while the hash goes on changing: a copy of
 * it if it is small, the hash itself if it was given, and else its table, shared, with a cut. Also
 * the inside of struct hash_value. */
#pragma once
#include "keyspace/hash_value.h"

struct hash_value {
    union {
        struct field_pack *pack; /* NULL while empty */
        struct field_table *table;
    };
    enum hash_encoding encoding;
};

enum { HASH_VIEW_COPY_BYTES = 64 * 1024 };

/* As struct value_kind has them. */
void *hash_view_new(void *object, bool is_given, uint64_t *kept_bytes);
bool hash_view_save(void *view, size_t maximum_bytes, struct buffer *out, uint64_t *hash);
uint8_t hash_view_encoding(const void *view);
void hash_view_free(void *view);

/* Of the sum that the kind's hash() is. */
uint64_t hash_pair_hash(struct bytes field, struct bytes value);
