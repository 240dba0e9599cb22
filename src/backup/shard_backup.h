/* What a store holds of one shard, learnt from a listing of names: its snapshots and the pieces of
 * its log. From that follows where archiving goes on, what may go, and what a restore needs.
 *
 *     snapshot 100           snapshot 900
 *          |                      |
 *          [ 101 .. 400 ][ 401 .. 950 ][ 951 .. 990 ]   gap   [ 1200 .. 1300 ]
 *                                                   end of the archive: 990
 *
 * Two leaders may have archived the same entries: pieces overlap then, and where they do they hold
 * the same. */
#pragma once
#include "backup/backup_name.h"

struct shard_backup {
    struct backup_place place;
    struct backup_snapshot *snapshots; /* owned; indexes rise */
    size_t snapshot_count, snapshot_capacity;
    struct backup_log *logs; /* owned; first indexes rise */
    size_t log_count, log_capacity;
    uint64_t blob_count, bytes; /* of all blobs, chunks too */
};

void shard_backup_init(struct shard_backup *backup, const struct backup_place *place);
void shard_backup_release(struct shard_backup *backup);
/* In any order; what is there already is not added again. */
void shard_backup_add_log(struct shard_backup *backup, const struct backup_log *log);
void shard_backup_add_snapshot(struct shard_backup *backup, const struct backup_snapshot *snapshot);
void shard_backup_drop_log(struct shard_backup *backup, const struct backup_log *log);
void shard_backup_drop_snapshot(struct shard_backup *backup,
                                const struct backup_snapshot *snapshot);

const struct backup_snapshot *
shard_backup_newest_snapshot(const struct shard_backup *backup); /* NULL: none */
/* The newest that holds nothing later than either bound. NULL: none. */
const struct backup_snapshot *shard_backup_snapshot_at(const struct shard_backup *backup,
                                                       uint64_t index, uint64_t time_ms);
/* The first piece, in order of first indexes, that holds `index`. NULL: none. */
const struct backup_log *shard_backup_log_with(const struct shard_backup *backup, uint64_t index);
/* Up to which index the log goes on without a gap behind `index`; `index` itself if it does not. */
uint64_t shard_backup_reach(const struct shard_backup *backup, uint64_t index);
/* The same from the newest snapshot, or from the beginning: what a restore can come to. */
uint64_t shard_backup_end(const struct shard_backup *backup);
/* The shard's time at that end, as far as names tell. */
uint64_t shard_backup_end_ms(const struct shard_backup *backup);

struct backup_retention {
    uint64_t keep_ms;     /* every moment of so long stays restorable: 1 or more */
    uint64_t interval_ms; /* at which snapshots are put */
};
/* What is kept needs the newest snapshot that is old enough, and what follows it. The index of that
 * snapshot: older ones, and pieces of log that end there or before, may go. 0: nothing may.
 *
 * Its age is counted along the backup and no clock is asked: between two snapshots, and from the
 * last to the end of the archive, goes by what their stamps say, but an interval at the most. So a
 * clock that was set ahead makes one gap, and nothing old by it (decision 0066). */
uint64_t shard_backup_removable(const struct shard_backup *backup,
                                const struct backup_retention *retention);
