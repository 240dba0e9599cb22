/* Walks over a keyspace that nobody changes meanwhile, and SCAN over one that does change. */
#pragma once
#include "keyspace/keyspace.h"
#include "keyspace/record/record.h"

typedef void (*record_visitor)(void *context, const struct record *record);

/* Every record once, in no order that means anything. */
void keyspace_walk(const struct keyspace *keyspace, record_visitor visit, void *context);

/* One step of SCAN: visits the records of one bucket at `cursor` (0 begins) and returns the next
 * cursor, 0 at the end; it always fits in 50 bits: | bucket cursor 36 | slot 14 |. A record that is
 * there from the first step to the last is visited at least once, whatever grows or shrinks
 * meanwhile. A cursor that was never given out is safe and visits something or nothing. */
uint64_t keyspace_scan(const struct keyspace *keyspace, uint64_t cursor, record_visitor visit,
                       void *context);

/* The same in one slot; the cursor is another. */
uint64_t keyspace_scan_slot(const struct keyspace *keyspace, slot_number slot, uint64_t cursor,
                            record_visitor visit, void *context);

/* A record by lot: the slot weighted by its keys, then a bucket, then one of its chain. NULL if
 * there is none. Each call draws from `state`, which the caller seeds. */
struct random;
const struct record *keyspace_random(const struct keyspace *keyspace, struct random *random);
