/* A hash table from bytes to a pointer, which keeps the order of insertion for walks (so walks are
 * deterministic). Keys are copied in. Open addressing over an array of entries. For maps of
 * moderate size: members, settings, sessions. The keyspace has its own, leaner table. */
#pragma once
#include "base/bytes.h"

struct table;

struct table *table_new(void);
void table_free(struct table *table); /* values are the caller's */
size_t table_count(const struct table *table);
void *table_get(const struct table *table, struct bytes key); /* NULL if absent; borrows */
void *table_put(struct table *table, struct bytes key,
                void *value); /* returns the value replaced, or NULL; value != NULL */
void *table_remove(struct table *table, struct bytes key); /* returns the value removed, or NULL */
/* Walks in order of insertion: start with *position = 0; false at the end. Removing the entry just
 * returned is allowed. */
bool table_walk(const struct table *table, size_t *position, struct bytes *key, void **value);
