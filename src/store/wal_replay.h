/* What recovery (wal_recover.h) and verification (wal_verify.h) share: which segments there are,
 * and handing a record to the visitor. */
#pragma once
#include "store/wal.h"
#include "store/wal_ledger.h"

/* No segment is larger than one record of the greatest size and a checkpoint of all shards. */
#define WAL_SEGMENT_MAXIMUM_BYTES ((size_t)WAL_PAYLOAD_MAXIMUM_BYTES * 2)

struct wal_listing {
    uint64_t *segments; /* numbers of the files found, ascending; owned (memory_free) */
    size_t count, capacity;
    bool has_spare, has_next; /* files of these two names: left by a process that was killed */
};

int wal_listing_read(struct disk *disk, struct wal_listing *listing) MUST_CHECK;

/* The record has been applied to the ledger. Returns what the visitor does. */
int wal_visit_record(const struct wal_visitor *visitor, const struct wal_ledger *ledger,
                     const struct wal_header *header, struct bytes payload) MUST_CHECK;
/* States and marks of all shards, as the oldest segment's checkpoint has them. */
int wal_visit_checkpoint(const struct wal_visitor *visitor,
                         const struct wal_ledger *ledger) MUST_CHECK;
