#include "backup/shard_backup.h"

#include "base/memory.h"
#include "base/planted.h"

void shard_backup_init(struct shard_backup *backup, const struct backup_place *place) {
    *backup = (struct shard_backup){.place = *place};
}

void shard_backup_release(struct shard_backup *backup) {
    memory_free(backup->snapshots);
    memory_free(backup->logs);
    shard_backup_init(backup, &backup->place);
}

/* ---- noting ---- */

static bool is_before(const struct backup_log *a, const struct backup_log *b) {
    return a->first_index != b->first_index ? a->first_index < b->first_index
                                            : a->last_index < b->last_index;
}

static bool is_same_log(const struct backup_log *a, const struct backup_log *b) {
    return a->first_index == b->first_index && a->last_index == b->last_index &&
           a->first_stamp_ms == b->first_stamp_ms && a->last_stamp_ms == b->last_stamp_ms;
}

void shard_backup_add_log(struct shard_backup *backup, const struct backup_log *log) {
    size_t at = backup->log_count;
    while (at > 0 && is_before(log, &backup->logs[at - 1]))
        at--;
    if (at > 0 && is_same_log(&backup->logs[at - 1], log))
        return;
    if (backup->log_count == backup->log_capacity) {
        backup->log_capacity = backup->log_capacity ? backup->log_capacity * 2 : 16;
        backup->logs = memory_resize(backup->logs, backup->log_capacity * sizeof *log);
    }
    memmove(backup->logs + at + 1, backup->logs + at, (backup->log_count - at) * sizeof *log);
    backup->logs[at] = *log;
    backup->log_count++;
}

void shard_backup_add_snapshot(struct shard_backup *backup,
                               const struct backup_snapshot *snapshot) {
    size_t at = backup->snapshot_count;
    while (at > 0 && snapshot->index < backup->snapshots[at - 1].index)
        at--;
    if (at > 0 && backup->snapshots[at - 1].index == snapshot->index)
        return;
    if (backup->snapshot_count == backup->snapshot_capacity) {
        backup->snapshot_capacity = backup->snapshot_capacity ? backup->snapshot_capacity * 2 : 16;
        backup->snapshots =
            memory_resize(backup->snapshots, backup->snapshot_capacity * sizeof *snapshot);
    }
    memmove(backup->snapshots + at + 1, backup->snapshots + at,
            (backup->snapshot_count - at) * sizeof *snapshot);
    backup->snapshots[at] = *snapshot;
    backup->snapshot_count++;
}

void shard_backup_drop_log(struct shard_backup *backup, const struct backup_log *log) {
    for (size_t i = 0; i < backup->log_count; i++) {
        if (is_same_log(&backup->logs[i], log)) {
            backup->log_count--;
            memmove(backup->logs + i, backup->logs + i + 1, (backup->log_count - i) * sizeof *log);
            return;
        }
    }
}

void shard_backup_drop_snapshot(struct shard_backup *backup,
                                const struct backup_snapshot *snapshot) {
    for (size_t i = 0; i < backup->snapshot_count; i++) {
        if (backup->snapshots[i].index == snapshot->index) {
            backup->snapshot_count--;
            memmove(backup->snapshots + i, backup->snapshots + i + 1,
                    (backup->snapshot_count - i) * sizeof *snapshot);
            return;
        }
    }
}

/* ---- asking ---- */

const struct backup_snapshot *shard_backup_newest_snapshot(const struct shard_backup *backup) {
    return backup->snapshot_count ? &backup->snapshots[backup->snapshot_count - 1] : NULL;
}

const struct backup_snapshot *shard_backup_snapshot_at(const struct shard_backup *backup,
                                                       uint64_t index, uint64_t time_ms) {
    for (size_t i = backup->snapshot_count; i > 0; i--) {
        const struct backup_snapshot *snapshot = &backup->snapshots[i - 1];
        if (snapshot->index <= index && snapshot->stamp_ms <= time_ms)
            return snapshot;
    }
    return NULL;
}

const struct backup_log *shard_backup_log_with(const struct shard_backup *backup, uint64_t index) {
    for (size_t i = 0; i < backup->log_count && backup->logs[i].first_index <= index; i++)
        if (backup->logs[i].last_index >= index)
            return &backup->logs[i];
    return NULL;
}

uint64_t shard_backup_reach(const struct shard_backup *backup, uint64_t index) {
    for (size_t i = 0; i < backup->log_count && backup->logs[i].first_index <= index + 1; i++)
        if (backup->logs[i].last_index > index)
            index = backup->logs[i].last_index;
    return index;
}

uint64_t shard_backup_end(const struct shard_backup *backup) {
    const struct backup_snapshot *newest = shard_backup_newest_snapshot(backup);
    return shard_backup_reach(backup, newest ? newest->index : 0);
}

uint64_t shard_backup_end_ms(const struct shard_backup *backup) {
    const struct backup_snapshot *newest = shard_backup_newest_snapshot(backup);
    uint64_t end = shard_backup_end(backup), time_ms = newest ? newest->stamp_ms : 0;
    for (size_t i = 0; i < backup->log_count; i++) {
        const struct backup_log *log = &backup->logs[i];
        if (log->last_index <= end && log->last_stamp_ms > time_ms)
            time_ms = log->last_stamp_ms;
    }
    return time_ms;
}

/* How much of the time from one stamp to the next is believed. */
static uint64_t believed_ms(uint64_t from_ms, uint64_t to_ms,
                            const struct backup_retention *retention) {
    uint64_t gap_ms = to_ms > from_ms ? to_ms - from_ms : 0;
    return gap_ms < retention->interval_ms ? gap_ms : retention->interval_ms;
}

uint64_t shard_backup_removable(const struct shard_backup *backup,
                                const struct backup_retention *retention) {
    uint64_t age_ms = 0, later_ms = shard_backup_end_ms(backup);
    uint64_t keep_ms = PLANTED(BACKUP_KEEPS_TOO_LITTLE) ? 0 : retention->keep_ms;
    for (size_t i = backup->snapshot_count; i > 0; i--) {
        const struct backup_snapshot *snapshot = &backup->snapshots[i - 1];
        age_ms += believed_ms(snapshot->stamp_ms, later_ms, retention);
        if (age_ms >= keep_ms)
            return snapshot->index;
        later_ms = snapshot->stamp_ms;
    }
    return 0;
}
