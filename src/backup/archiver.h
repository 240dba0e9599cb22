/* Archives one shard to a store of blobs, on the node that leads it: the log as it is applied, and
 * now and then a snapshot; and removes what has grown too old. All that may take long is a job on
 * the store's thread, so the worker's loop never waits for it.
 *
 *     archiver_new --> listing --> archiving <--> waiting for a snapshot (entries were let go
 *                                      |          before they were archived)
 *     archiver_drop  <-----------------+
 *
 * A store that does not answer is tried again with a growing pause; what is gathered meanwhile is
 * bounded. Two leaders may archive the same entries at once: both are committed, so they are equal.
 */
#pragma once
#include "backup/shard_backup.h"
#include "base/log.h"
#include "config/config.h"
#include "io/clock.h"
#include "metric/metric.h"
#include "shard/shard.h"

enum {
    /* Gathered entries of all shards of one owner; past it nothing more is gathered, and Raft's own
     * log holds them until its next snapshot. */
    ARCHIVER_HELD_BYTES_MAXIMUM = 256 << 20,
};

/* What the archivers of one owner share. */
struct archiver_sum {
    uint64_t held_bytes; /* gathered */
    unsigned job_count;  /* under way, of archivers that were dropped too */
};

struct archiver;
struct archiver_options {
    struct backup_place place;
    struct blob_store *store; /* borrows; must outlive the archiver's jobs */
    struct disk *disk;        /* the shard's */
    struct clock *clock;
    const struct log *log;
    struct metrics *metrics;
    const struct config *config; /* the owner's, current at every call */
    struct archiver_sum *sum;    /* the owner's */
};

struct archiver *archiver_new(const struct archiver_options *options);
/* Its jobs end first, on the loop; then it is freed. The shard may be freed after this. */
void archiver_drop(struct archiver *archiver);

/* The shard applied something. */
void archiver_applied(struct archiver *archiver, struct shard *shard);
void archiver_tick(struct archiver *archiver, struct shard *shard);
/* A snapshot of the shard as it is now, and its log up to now, without waiting for their time. */
void archiver_hurry(struct archiver *archiver, struct shard *shard);

struct archiver_status {
    bool is_listed;                          /* what the store holds is known */
    uint64_t archived_index, snapshot_index; /* both in the store */
    uint64_t hurry_index;                    /* asked for last: both shall be there; 0: nothing */
    /* The last attempt to put something did; it is tried again. What is too old and could not be
     * removed is no failure. */
    bool has_failed;
};
void archiver_status(const struct archiver *archiver, struct archiver_status *out);
/* As its options have it. Borrowed. */
const struct backup_place *archiver_place(const struct archiver *archiver);
