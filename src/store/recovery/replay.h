/* What recovery (recover.h) and verification (verify.h) share: which segments there are,
 * and handing a record to the visitor. */
#pragma once
#include "base/log.h"
#include "io/disk.h"
#include "store/record/ledger.h"
#include "store/recovery/visitor.h"

/* No segment is larger than one record of the greatest size and a checkpoint of all shards. */
#define WAL_SEGMENT_MAXIMUM_BYTES ((size_t)WAL_PAYLOAD_MAXIMUM_BYTES * 2)

struct wal_numbers { /* ascending */
    uint64_t *numbers;
    size_t count, capacity;
};

struct wal_listing {
    struct wal_numbers segments, spares, repaired; /* of the files found */
    bool has_spare_new, has_next_new;              /* left by a process that was killed */
    bool has_reserve;
};

void wal_numbers_add(struct wal_numbers *list, uint64_t number);

/* To be released, whatever it returns. */
int wal_listing_read(struct disk *disk, struct wal_listing *listing) MUST_CHECK;
void wal_listing_release(struct wal_listing *listing);

/* The record has been applied to the ledger. Returns what the visitor does. */
int wal_visit_record(const struct wal_visitor *visitor, const struct wal_ledger *ledger,
                     const struct wal_header *header, struct bytes payload) MUST_CHECK;
/* States and marks of all shards, as the oldest segment's checkpoint has them. */
int wal_visit_checkpoint(const struct wal_visitor *visitor,
                         const struct wal_ledger *ledger) MUST_CHECK;
