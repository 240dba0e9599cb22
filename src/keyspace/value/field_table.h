/* Fields with their values in a hash table: what a hash becomes when it grows.
 *
 * Chained buckets, a power of two of them. It grows and shrinks step by step: two arrays of buckets
 * stand side by side, and each change moves a few buckets from the old one to the new one, so no
 * command pays for the whole.
 *
 *      old  | moved: empty ....... | step | still here ..... |
 *      new  | ............................................................ |
 *
 * A scan survives that, as its cursor counts in reversed bits: growing splits a bucket that was
 * visited only into buckets that were visited, shrinking joins them again (Pieter Noordhuis's way,
 * known from Redis).
 *
 * The seed of its hash function comes from outside and is part of its saved form, so that every
 * replica hashes alike and nobody outside can aim at one bucket. */
#pragma once
#include "base/bytes.h"

struct field_table;
struct random;

typedef void (*field_visitor)(void *context, struct bytes field, struct bytes value);

/* Where a walk stands; zeroed to begin. */
struct field_table_position {
    unsigned array;
    size_t bucket;
    const void *entry;
};

struct field_table *field_table_new(uint64_t seed, size_t expected_count); /* returns owned */
void field_table_free(struct field_table *table);                          /* takes */
/* Frees buckets with their fields, both counted in *elements, until that is 0. True: the table is
 * gone, or was left to its cut; else nothing but this may be called. */
bool field_table_free_some(struct field_table *table, size_t *elements);
struct field_table *field_table_copy(const struct field_table *table); /* returns owned */
uint64_t field_table_seed(const struct field_table *table);
size_t field_table_count(const struct field_table *table);
size_t field_table_memory_bytes(const struct field_table *table);
/* Borrows; good until the field is changed. */
bool field_table_get(const struct field_table *table, struct bytes field, struct bytes *value);
/* True if the field is new. The arguments may not stand inside the table. */
bool field_table_set(struct field_table *table, struct bytes field, struct bytes value);
/* False if it was absent. */
bool field_table_remove(struct field_table *table, struct bytes field);
/* Every pair once, while nothing changes; false at the end. */
bool field_table_next(const struct field_table *table, struct field_table_position *position,
                      struct bytes *field, struct bytes *value);
/* Visits the pairs of one bucket (and of what it is being split into) and returns the next cursor;
 * 0 begins and ends. A field that is there from the first step to the last is visited at least
 * once. Any cursor is safe. */
uint64_t field_table_scan(const struct field_table *table, uint64_t cursor, field_visitor visit,
                          void *context);
/* A bucket by lot, then one of its chain. The table may not be empty. */
void field_table_random(const struct field_table *table, struct random *random, struct bytes *field,
                        struct bytes *value);

/* A cut, as of a keyspace (keyspace/cut.h): what the table holds now is visited bit by bit while it
 * goes on changing. One at a time. Freeing the table before its end is allowed and leaves the pairs
 * to the cut. What is held for the cut only is counted in *kept_bytes, which stays until its end.
 */
void field_table_cut(struct field_table *table, uint64_t *kept_bytes);
/* Visits a bucket of what is left; false if nothing was. */
bool field_table_visit_cut(struct field_table *table, field_visitor visit, void *context);
/* Whatever is left is given up. True: the table was freed meanwhile, and is the caller's now. */
bool field_table_end_cut(struct field_table *table);
