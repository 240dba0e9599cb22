/* What a segment says at its beginning of all that came before it, without reading the rest. */
#pragma once
#include "io/disk.h"
#include "store/record/ledger.h"

/* Into an empty ledger. *is_read: the segment's first record is a checkpoint of its number, and
 * verifies; what the disk cannot read says nothing. Errors: it could not be looked at. */
int wal_checkpoint_read(struct disk *disk, uint64_t segment, struct wal_ledger *ledger,
                        bool *is_read) MUST_CHECK;
