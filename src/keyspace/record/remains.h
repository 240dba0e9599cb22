/* What is held no more and would take long to free: large objects whose keys went, and the tables
 * of keyspaces that were cleared or freed. It goes bit by bit, so that nobody waits for a large
 * hash to be deleted, nor for FLUSHALL.
 *
 *      DEL, expiry, SET over it ---> objects ---> remains_free_some(), some elements at a time
 *      FLUSHALL, a replica that goes ---> tables ---'   ^
 *                                           '-- records'' objects
 *
 * One may serve many keyspaces, and outlives them. What it holds decides nothing and is counted in
 * no keyspace. */
#pragma once
#include "keyspace/record/slot_table.h"

struct remains;

enum { REMAINS_OBJECT_BYTES = 64 * 1024 }; /* an object of so much is freed at once */

struct remains *remains_new(void);          /* returns owned */
void remains_free(struct remains *remains); /* with all that is left; NULL is allowed */
/* Takes the object. NULL: it is freed at once, whatever its size. */
void remains_take_object(struct remains *remains, const struct value_kind *kind, void *object);
/* Takes all records, with their objects, and the buckets; leaves the table all zeros. No cut wants
 * any of it. NULL: as above. */
void remains_take_table(struct remains *remains, struct slot_table *table);
/* Frees about so many elements: records, elements of objects, buckets. False: nothing is left. */
bool remains_free_some(struct remains *remains, size_t elements);
bool remains_is_empty(const struct remains *remains);
/* Keys whose values are not freed yet, and about what these take. */
uint64_t remains_key_count(const struct remains *remains);
uint64_t remains_bytes(const struct remains *remains);
