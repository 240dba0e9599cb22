/* A log written anew behind one that is damaged, of what is certain of that (repair.h). It
 * begins with a segment whose checkpoint names itself as the oldest, and is as long as it has to
 * be:
 *
 *     wal-next.new              --> wal-0000000008   its name is the moment in which the old log
 *     wal-repaired-0000000009   --> wal-0000000009   ends; then these get theirs, in order
 *     wal-repaired-0000000010   --> ...
 *
 * Whoever finds the latter at a start looks for the segment before the first of them. If it is
 * there they follow it, and get their names; else the log was never written to its end, and they
 * are removed.
 *
 * Never more than one segment is held in memory: WAL_REWRITE_BYTES_MAXIMUM, or one entry. */
#pragma once
#include "base/random.h"
#include "store/record/ledger.h"
#include "store/recovery/replay.h"

enum { WAL_REWRITE_BYTES_MAXIMUM = 64 << 20 };

struct wal_rewrite_options {
    struct disk *disk;      /* borrows */
    struct random *random;  /* borrows: what tells segments apart is drawn from it */
    uint64_t segment_bytes; /* of a segment, unless one entry is longer */
    /* Of the damaged log, the highest of each. */
    uint64_t last_segment, last_record, last_round;
};

struct wal_rewrite {
    struct wal_rewrite_options options;
    struct wal_ledger ledger;
    struct wal_header place; /* of the last record that was sealed */
    uint32_t chain;          /* its checksum */
    struct buffer records;   /* of the segment at hand, not sealed yet */
    size_t entry_count;      /* among them */
};

/* `known`: of each shard, with the counts as of the beginning. Copied. */
void wal_rewrite_init(struct wal_rewrite *rewrite, const struct wal_rewrite_options *options,
                      const struct wal_shard *known, size_t shard_count);
void wal_rewrite_release(struct wal_rewrite *rewrite);
/* An entry that is kept; those of one shard in order. ERR_NO_SPACE, ERR_IO. */
int wal_rewrite_entry(struct wal_rewrite *rewrite, uint32_t shard, uint64_t index,
                      struct bytes encoded_entry) MUST_CHECK;
/* All were given: from now on the log is this one. Errors as above; then it may be that already, or
 * not yet, and the next start finds out. */
int wal_rewrite_finish(struct wal_rewrite *rewrite) MUST_CHECK;
/* It will not be finished: what was written is removed, as far as the disk lets it be. */
void wal_rewrite_abandon(struct wal_rewrite *rewrite);

/* Gives what a rewriting left behind the names that it should have, or removes it. */
int wal_rewrite_settle(struct disk *disk, struct wal_listing *listing) MUST_CHECK;
