/* The keys of one slot: a chained hash table with a power-of-two number of buckets.
 *
 *      buckets  [0] -> record -> record          while it grows or shrinks:
 *               [1]                              old_buckets  [0] moved
 *               [2] -> record                                 [1] moved
 *               [3] -> record                                 [2] -> ...   <- moved_buckets
 *
 * A change of size is spread over the insertions and deletions that follow, a few buckets each, so
 * that no command waits for a large table; a small one changes at once. New records go to
 * `buckets`. A table that is all zeros is a valid empty one and owns nothing. The records are the
 * keyspace's. */
#pragma once
#include "keyspace/record/record.h"

struct slot_table {
    struct record **buckets, **old_buckets;
    uint64_t count;
    uint64_t held_bytes; /* the keyspace's: of the records, with their objects */
    uint64_t moved_buckets;
    uint8_t bits, old_bits; /* 2^bits buckets */
};

enum {
    SLOT_TABLE_BITS_MINIMUM = 2,
    SLOT_TABLE_BITS_MAXIMUM = 36, /* SCAN's cursor has room for so many */
    SLOT_TABLE_BITS_AT_ONCE = 6,  /* up to this size a change of size is done at once */
    SLOT_TABLE_BUCKETS_A_STEP = 4
};

/* What changes a table needs the hash's seed, and keeps the count of the memory that buckets take.
 */
struct slot_table_context {
    uint64_t hash_seed;
    uint64_t *memory_bytes;
};

/* The bucket where the key stands, if it does; of a table that is changing its size, the one where
 * it has stood, until that was moved. The table holds keys. */
struct record **slot_table_bucket_of(const struct slot_table *table, uint64_t hash);
/* The pointer that points at the record, for changing or unlinking it; NULL if absent. Good until
 * the table changes. */
struct record **slot_table_find(const struct slot_table *table, struct bytes key, uint64_t hash);
/* The key is absent. Takes the record. */
void slot_table_insert(struct slot_table *table, const struct slot_table_context *context,
                       struct record *record, uint64_t hash);
/* Returns the record, now the caller's. */
struct record *slot_table_unlink(struct slot_table *table, const struct slot_table_context *context,
                                 struct record **link);
/* Buckets are numbered through: the old ones first. */
uint64_t slot_table_bucket_count(const struct slot_table *table);
struct record *slot_table_bucket(const struct slot_table *table, uint64_t position);
/* One step of SCAN by a cursor that counts with its highest bit fastest (Pieter Noordhuis's idea in
 * Redis): buckets that a larger or smaller table splits or joins stand next to each other in
 * that order, so what was visited stays visited. Returns the next cursor, 0 at the end. */
uint64_t slot_table_scan(const struct slot_table *table, uint64_t cursor,
                         void (*visit)(void *context, const struct record *record), void *context);
/* Was a bucket visited in which a record with this hash stood, by the scan that is at this cursor?
 * So for as long as it lasts, whatever the table's size is. A scan that meets a smaller table on
 * its way visits some again. */
bool slot_table_has_visited(uint64_t cursor, uint64_t hash);
