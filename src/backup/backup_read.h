/* Reads backups: which clusters and shards a store holds, and one shard of them into a machine,
 * verified throughout. Synchronous: for the subcommands and for tests. */
#pragma once
#include "backup/replay.h"
#include "backup/shard_backup.h"

struct cluster_backup {
    uint8_t cluster_id[BACKUP_CLUSTER_BYTES];
    struct shard_backup *shards; /* owned; one for each place: numbers rise, then recoveries */
    size_t shard_count, shard_capacity;
    uint64_t newest_ms; /* the latest time that any of its shards comes to */
};
struct backup_catalogue {
    struct cluster_backup *clusters; /* owned; in the order of their ids */
    size_t cluster_count, cluster_capacity;
};

/* Everything in the store. Names that no backup gives are passed over. */
int backup_catalogue_read(struct blob_store *store, struct backup_catalogue *catalogue,
                          struct blob_problem *problem) MUST_CHECK;
void backup_catalogue_release(struct backup_catalogue *catalogue);
/* From where the shard is brought back to its latest state. NULL: from nowhere. */
const struct shard_backup *cluster_backup_shard(const struct cluster_backup *cluster,
                                                uint32_t shard);
/* The same to an earlier one: of the places of a shard that was recovered the newest with a
 * snapshot before the target. */
const struct shard_backup *cluster_backup_shard_at(const struct cluster_backup *cluster,
                                                   uint32_t shard,
                                                   const struct replay_target *target);

/* A blob that cannot be used, and in whose place something else is: an older snapshot and the log
 * behind it, or another piece that holds the same entries. */
struct backup_passed {
    uint32_t shard;
    const char *name, *what; /* borrowed for the call */
};

struct backup_reader {
    struct blob_store *store;
    void (*progress)(void *context, uint64_t bytes); /* read since the last call; may be NULL */
    void (*passed)(void *context, const struct backup_passed *passed); /* may be NULL */
    void *context;
    struct blob_problem problem; /* what went wrong: which blob, how, what to do */
};

/* Fills the replay's machine up to its target, from the newest snapshot before it that can be used.
 * What is damaged or missing is passed over where the same point can be come to without it, and
 * never is less come to than was asked for. ERR_NOT_FOUND when a piece of the log is missing on the
 * way, or a blob; ERR_DAMAGED and the like; the problem is filled. */
int backup_read_shard(struct backup_reader *reader, const struct shard_backup *shard,
                      struct replay *replay) MUST_CHECK;
/* The same, from whichever place of the cluster's shard leads to the target. ERR_NOT_FOUND as well
 * where the shard was recovered between the end of one place and the first snapshot of the next,
 * and what it had done by then may be in neither. */
int backup_read_to_target(struct backup_reader *reader, const struct cluster_backup *cluster,
                          uint32_t shard, struct replay *replay) MUST_CHECK;

/* Looks at every blob of a shard: the pieces of its log, its manifests, their chunks. Calls `bad`
 * with a sentence for each that is not as it was put, and for the first piece of the log that
 * nothing leads up to; 0 if all could be looked at. */
int backup_check_shard(struct backup_reader *reader, const struct shard_backup *shard,
                       void (*bad)(void *context, const char *name, const char *what),
                       void *context) MUST_CHECK;
