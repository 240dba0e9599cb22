/* A log while it is read back: how far that is, what is known of the segment at hand, and what goes
 * wrong, in words. recover.c goes from the first segment to the last, recover_segment.c
 * through one of them, and tail.c decides about the end. */
#pragma once
#include "store/record/position.h"
#include "store/recovery/replay.h"

struct wal_recovery {
    struct disk *disk;
    const struct log *log;
    const struct wal_visitor *visitor;
    struct wal_ledger *ledger;
    struct wal_position *position;
    struct wal_problem *problem;

    struct wal_listing listing;
    uint64_t *segments; /* numbers of the files found, ascending; in `listing` */
    size_t segment_count, at;
    uint8_t *data; /* the segment being read */
    size_t length;

    bool is_life_known;  /* of the segment being read */
    bool is_round_open;  /* the last good record is not the last of its round */
    bool is_end_clean;   /* the segment before ended with a whole round, and nothing behind it */
    uint64_t end_offset; /* where it ended */
};

/* What went wrong goes into *problem. Each returns the error: `status`, ERR_DAMAGED, or
 * ERR_VERSION. */
int wal_recovery_failed(struct wal_recovery *recovery, int status, const char *what,
                        const char *name);
int wal_recovery_damaged(struct wal_recovery *recovery, uint64_t segment, uint64_t offset,
                         uint64_t round, const char *what);
int wal_recovery_of_other_release(struct wal_recovery *recovery, uint64_t segment, uint64_t offset);

/* Reads segments[at] into data. */
int wal_recovery_load(struct wal_recovery *recovery) MUST_CHECK;
/* All of it from there on; nothing, if it does not reach so far. Borrowed. */
struct bytes wal_recovery_bytes_from(const struct wal_recovery *recovery, size_t offset);
/* Was the header written in this life of the file? What stands behind the records of a recycled
 * segment verifies too, and so may what an entry holds. Where the checkpoint cannot be read the
 * life is not known, and the segment's number has to do. */
bool wal_recovery_is_of_this_life(const struct wal_recovery *recovery,
                                  const struct wal_header *header);
/* The record at the position is a good one: goes behind it. */
void wal_recovery_advance(struct wal_recovery *recovery, const struct wal_header *header);
