/* Puts records into the order of their keys.
 *
 * Keys of one slot often begin alike ("user:1001", "user:1002"). What all have in common is left
 * out, and of the rest eight bytes as one number decide nearly every comparison, without a look at
 * the record: a slot's records lie all over the memory. */
#pragma once
#include "keyspace/record/record.h"

/* Their keys are all different. */
void record_sort(struct record **records, size_t count);
/* The same by the hash that divides a slot into parts (slot/part_set.h); of one hash, by the keys.
 */
void record_sort_by_hash(struct record **records, size_t count);
