/* Fields with their values in a hash table: what a hash becomes when it grows.
 *
 * Chained buckets, a power of two of them, in a tree (field_tree.h) whose parts tables may share.
 * It grows and shrinks step by step: two trees stand side by side, and each change moves a few
 * buckets from the old one to the new one, so no command pays for the whole.
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
struct field_view;
struct random;

typedef void (*field_visitor)(void *context, struct bytes field, struct bytes value);

/* Where a walk stands; zeroed to begin. */
struct field_table_position {
    unsigned tree;
    size_t bucket;
    const void *entry;
};

struct field_table *field_table_new(uint64_t seed, size_t expected_count); /* returns owned */
void field_table_free(struct field_table *table);                          /* takes */
/* Frees parts of the tree and fields, both counted in *elements, until that is 0. True: the table
 * is gone; else nothing but this may be called. A first call with 0 leaves it as it is. */
bool field_table_free_some(struct field_table *table, size_t *elements);
/* A table that holds the same, whatever either of them becomes: O(1), and each change then copies
 * the few buckets about it, once. Returns owned. */
struct field_table *field_table_share(const struct field_table *table);
uint64_t field_table_seed(const struct field_table *table);
size_t field_table_count(const struct field_table *table);
/* As if it shared nothing. */
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
/* What a scan that begins at `from` visits before it comes to `to`, another's cursor (0: its end):
 * the same fields on every replica that hashes alike, however large its table is. */
void field_table_visit_between(const struct field_table *table, uint64_t from, uint64_t to,
                               field_visitor visit, void *context);
/* A bucket by lot, then one of its chain. The table may not be empty. */
void field_table_random(const struct field_table *table, struct random *random, struct bytes *field,
                        struct bytes *value);

/* What a table holds now, visited bit by bit while it goes on changing, shared like any other. One
 * at a time. The table may be freed before its end. `is_given`: the view takes it. What is held for
 * the view only is counted in *kept_bytes, which stays until its end. Returns owned. */
struct field_view *field_view_new(struct field_table *table, bool is_given, uint64_t *kept_bytes);
/* Visits a bucket of what is left; false if nothing was. */
bool field_view_visit(struct field_view *view, field_visitor visit, void *context);
uint64_t field_view_seed(const struct field_view *view);
/* Takes the view. Returns what is left of what it held, which is for freeing only; owned. */
struct field_table *field_view_end(struct field_view *view);
