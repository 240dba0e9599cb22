#include "backup/archiver.h"

#include <stdio.h>

#include "backup/archiver_internal.h"
#include "base/containers/table.h"
#include "base/memory.h"
#include "shard/machine/payload.h"

#define PAUSE_FIRST_US        ((uint64_t)1000 * 1000)
#define PAUSE_LAST_US         ((uint64_t)60 * 1000 * 1000)
#define PAUSE_REMOVAL_LAST_US ((uint64_t)3600 * 1000 * 1000)

/* After a failure the next attempt waits, longer each time. */
struct attempts {
    uint64_t again_at_us, pause_us; /* 0: the last one went well */
    uint64_t longest_pause_us;
};

struct archiver_cells {
    struct metric_cell *bytes, *failures, *removed, *logs, *snapshots, *lag_entries, *lag_time;
};

struct archiver {
    struct archiver_options options;
    struct archiver_cells cells;
    struct shard_backup backup; /* what the store has of it, as far as is known here */
    bool is_listed, is_dropped;
    unsigned job_count;
    bool is_log_under_way, is_snapshot_under_way, is_listing_under_way;
    struct log_job *failed_log; /* put again after a pause, before any later piece */
    struct attempts archiving;
    struct attempts removing; /* a store that keeps what it is asked to remove holds nothing up */
    bool is_removal_due;

    /* Entries gathered and not yet handed to a job, from gathered.first_index on. */
    struct buffer entries;
    struct backup_log gathered;
    uint32_t gathered_count;
    uint64_t gathered_since_us;
    uint64_t next_index; /* to be gathered; 0: wait for a snapshot first, then go on behind it */
    uint64_t time_ms;    /* the shard's, behind the last entry gathered */
    uint64_t archived_index;
    /* When the oldest entry that is not archived was gathered; 0: all are. Before the listing, when
     * we began: nothing is known to be archived. */
    uint64_t oldest_us;

    uint64_t due_index;       /* a snapshot that holds this is wanted; 0: none is */
    uint64_t newest_known_us; /* when the newest one was put, or found by the listing */
    uint64_t hurry_index;     /* asked for last; 0: nothing was */
    struct snapshot_shelf *shelf;
    struct snapshot_manifest *held; /* while it is put; NULL: none is */
    bool has_lost;                  /* of that one this chunk cannot be read here: */
    struct snapshot_chunk lost;
    struct table *strays; /* removal_job has them meanwhile; NULL: none are known */
};

static void free_log(struct archiver *archiver, struct log_job *log);

static uint64_t now_us(const struct archiver *archiver) {
    return archiver->options.clock->monotonic_us(archiver->options.clock);
}

/* ---- life ---- */

static struct archiver_cells find_cells(struct metrics *metrics, uint32_t shard) {
    char label[16];
    snprintf(label, sizeof label, "%u", shard);
    return (struct archiver_cells){
        .bytes = metrics_cell(metrics, METRIC_backup_bytes_total, NULL),
        .failures = metrics_cell(metrics, METRIC_backup_failures_total, NULL),
        .removed = metrics_cell(metrics, METRIC_backup_objects_removed_total, NULL),
        .logs = metrics_cell(metrics, METRIC_backup_objects_total, "log"),
        .snapshots = metrics_cell(metrics, METRIC_backup_objects_total, "snapshot"),
        .lag_entries = metrics_cell(metrics, METRIC_backup_lag_entries, label),
        .lag_time = metrics_cell(metrics, METRIC_backup_lag_seconds, label),
    };
}

struct archiver *archiver_new(const struct archiver_options *options) {
    struct archiver *archiver = memory_allocate_zeroed(1, sizeof *archiver);
    archiver->options = *options;
    archiver->cells = find_cells(options->metrics, options->place.shard);
    archiver->archiving.longest_pause_us = PAUSE_LAST_US;
    archiver->removing.longest_pause_us = PAUSE_REMOVAL_LAST_US;
    shard_backup_init(&archiver->backup, &options->place);
    buffer_init(&archiver->entries, SIZE_MAX);
    archiver->oldest_us = now_us(archiver);
    metric_unset(archiver->cells.lag_entries);
    return archiver;
}

static void free_if_over(struct archiver *archiver) {
    if (archiver->is_dropped && archiver->job_count == 0) {
        shard_backup_release(&archiver->backup);
        if (archiver->strays)
            table_free(archiver->strays);
        memory_free(archiver);
    }
}

static void forget_gathered(struct archiver *archiver) {
    archiver->options.sum->held_bytes -= archiver->entries.length;
    buffer_release(&archiver->entries);
    buffer_init(&archiver->entries, SIZE_MAX);
    archiver->gathered_count = 0;
}

static void let_snapshot_go(struct archiver *archiver) {
    if (archiver->held) {
        snapshot_shelf_let_go(archiver->shelf, archiver->held);
        archiver->held = NULL;
    }
}

void archiver_drop(struct archiver *archiver) {
    archiver->is_dropped = true;
    forget_gathered(archiver);
    if (archiver->failed_log) {
        free_log(archiver, archiver->failed_log);
        archiver->failed_log = NULL;
    }
    let_snapshot_go(archiver);
    metric_set(archiver->cells.lag_entries, 0);
    metric_set(archiver->cells.lag_time, 0);
    free_if_over(archiver);
}

/* ---- jobs: begun, and over ---- */

static void submit(struct archiver *archiver, struct archiver_job *job,
                   int (*run)(struct blob_job *job),
                   void (*done)(struct blob_job *job, int status)) {
    job->archiver = archiver;
    job->store = archiver->options.store;
    job->clock = archiver->options.clock;
    job->place = archiver->options.place;
    job->job = (struct blob_job){.run = run, .done = done};
    archiver->job_count++;
    archiver->options.sum->job_count++;
    job->store->ops->submit(job->store, &job->job);
}

/* Counts what the job did. A failure is said once each time, and followed by a pause. */
static void job_ended(struct archiver *archiver, struct attempts *attempts,
                      const struct archiver_job *job, int status, const char *what) {
    archiver->job_count--;
    archiver->options.sum->job_count--;
    metric_add(archiver->cells.bytes, job->put_bytes);
    if (!status) {
        attempts->pause_us = 0;
        attempts->again_at_us = 0;
        return;
    }
    if (archiver->is_dropped)
        return;
    attempts->pause_us = attempts->pause_us ? attempts->pause_us * 2 : PAUSE_FIRST_US;
    if (attempts->pause_us > attempts->longest_pause_us)
        attempts->pause_us = attempts->longest_pause_us;
    attempts->again_at_us = now_us(archiver) + attempts->pause_us;
    metric_add(archiver->cells.failures, 1);
    log_line(archiver->options.log, LOG_WARN, "backup failed; it is tried again",
             LOG_T("what", what), LOG_F("shard", archiver->options.place.shard),
             LOG_T("error", job->problem.text[0] ? job->problem.text : error_text(status)),
             LOG_F("again_in_ms", attempts->pause_us / 1000));
}

/* ---- listing: where the archive stands ---- */

/* A recovered shard's log stands in the place of before, as far as it was archived; here it goes on
 * behind a snapshot. */
static bool is_begun_anew(const struct archiver *archiver) {
    const struct shard_backup *backup = &archiver->backup;
    return backup->place.recovery > 0 && backup->snapshot_count == 0 && backup->log_count == 0;
}

static void listing_done(struct blob_job *job, int status) {
    struct listing_job *listing = (struct listing_job *)(void *)job;
    struct archiver *archiver = listing->base.archiver;
    archiver->is_listing_under_way = false;
    job_ended(archiver, &archiver->archiving, &listing->base, status, "list");
    if (status || archiver->is_dropped) {
        shard_backup_release(&listing->found);
    } else {
        shard_backup_release(&archiver->backup);
        archiver->backup = listing->found;
        archiver->is_listed = true;
        archiver->oldest_us = 0;
        archiver->archived_index = shard_backup_end(&archiver->backup);
        archiver->next_index = is_begun_anew(archiver) ? 0 : archiver->archived_index + 1;
        archiver->time_ms = shard_backup_end_ms(&archiver->backup);
        archiver->newest_known_us = now_us(archiver);
    }
    memory_free(listing);
    free_if_over(archiver);
}

static void begin_listing(struct archiver *archiver) {
    struct listing_job *listing = memory_allocate_zeroed(1, sizeof *listing);
    shard_backup_init(&listing->found, &archiver->options.place);
    archiver->is_listing_under_way = true;
    submit(archiver, &listing->base, listing_run, listing_done);
}

/* ---- the log ---- */

static void want_snapshot(struct archiver *archiver, const struct shard *shard) {
    if (archiver->due_index == 0)
        archiver->due_index = shard_applied_index(shard);
}

/* Entries went before they were archived: the log goes on behind the next snapshot. */
static void begin_again(struct archiver *archiver, const struct shard *shard) {
    log_line(archiver->options.log, LOG_INFO,
             "the log was let go before it was archived; a snapshot takes its place",
             LOG_F("shard", archiver->options.place.shard), LOG_F("index", archiver->next_index));
    archiver->next_index = 0;
    archiver->due_index = 0;
    want_snapshot(archiver, shard);
}

static void gather_entry(struct archiver *archiver, const struct raft_entry *entry) {
    struct payload_header header;
    struct cursor in = cursor_of(raft_entry_payload(entry));
    if (entry->kind == RAFT_ENTRY_COMMANDS && payload_decode_header(&in, &header) == 0 &&
        header.stamp_ms > archiver->time_ms)
        archiver->time_ms = header.stamp_ms;
    if (archiver->gathered_count++ == 0) {
        archiver->gathered =
            (struct backup_log){.first_index = entry->index, .first_stamp_ms = archiver->time_ms};
        archiver->gathered_since_us = now_us(archiver);
        if (archiver->oldest_us == 0)
            archiver->oldest_us = archiver->gathered_since_us;
    }
    archiver->gathered.last_index = entry->index;
    archiver->gathered.last_stamp_ms = archiver->time_ms;
    buffer_append_bytes(&archiver->entries, raft_entry_bytes(entry));
    archiver->options.sum->held_bytes += entry->length;
    archiver->next_index = entry->index + 1;
}

/* A blob holds LOG_ARCHIVE_RAW_BYTES, or one entry that is longer, and no gap: where entries are
 * gone those that were gathered before are put first. */
static bool has_room(const struct archiver *archiver, const struct raft_entry *entry) {
    return archiver->gathered_count == 0 ||
           (archiver->entries.length + entry->length <= LOG_ARCHIVE_RAW_BYTES &&
            entry->index == archiver->gathered.last_index + 1);
}

/* What is applied and committed: a leader that answers before the disk may apply more than that. */
static uint64_t final_index(const struct shard *shard) {
    uint64_t applied = shard_applied_index(shard), committed = raft_commit_index(shard_raft(shard));
    return applied < committed ? applied : committed;
}

static void gather(struct archiver *archiver, struct shard *shard) {
    while (archiver->next_index && archiver->next_index <= final_index(shard) &&
           archiver->options.sum->held_bytes < ARCHIVER_HELD_BYTES_MAXIMUM) {
        const struct raft_entry *entry = raft_entry_at(shard_raft(shard), archiver->next_index);
        if (!entry)
            begin_again(archiver, shard);
        else if (has_room(archiver, entry))
            gather_entry(archiver, entry);
        else
            return;
    }
}

static void log_done(struct blob_job *job, int status);

static void submit_log(struct archiver *archiver, struct log_job *log) {
    archiver->is_log_under_way = true;
    submit(archiver, &log->base, log_run, log_done);
}

static void put_log(struct archiver *archiver) {
    struct log_job *log = memory_allocate_zeroed(1, sizeof *log);
    log->archive = (struct log_archive){.place = archiver->options.place,
                                        .log = archiver->gathered,
                                        .entry_count = archiver->gathered_count};
    log->entries = archiver->entries;
    buffer_init(&archiver->entries, SIZE_MAX);
    archiver->gathered_count = 0;
    submit_log(archiver, log);
}

static void free_log(struct archiver *archiver, struct log_job *log) {
    archiver->options.sum->held_bytes -= log->entries.length;
    buffer_release(&log->entries);
    memory_free(log);
}

static void log_was_put(struct archiver *archiver, const struct log_job *log) {
    shard_backup_add_log(&archiver->backup, &log->archive.log);
    archiver->archived_index = shard_backup_end(&archiver->backup);
    archiver->oldest_us = archiver->gathered_count ? archiver->gathered_since_us : 0;
    metric_add(archiver->cells.logs, 1);
}

static void log_done(struct blob_job *job, int status) {
    struct log_job *log = (struct log_job *)(void *)job;
    struct archiver *archiver = log->base.archiver;
    archiver->is_log_under_way = false;
    job_ended(archiver, &archiver->archiving, &log->base, status, "log");
    if (status && !archiver->is_dropped) {
        log->base = (struct archiver_job){0};
        archiver->failed_log = log;
        return;
    }
    if (!status)
        log_was_put(archiver, log);
    free_log(archiver, log);
    free_if_over(archiver);
}

static bool is_log_due(const struct archiver *archiver) {
    uint64_t interval_us = (uint64_t)archiver->options.config->backup_log_interval_ms * 1000;
    return archiver->entries.length >= LOG_ARCHIVE_RAW_BYTES / 2 ||
           now_us(archiver) >= archiver->gathered_since_us + interval_us ||
           archiver->gathered.first_index <= archiver->hurry_index;
}

static void tick_log(struct archiver *archiver) {
    if (archiver->is_log_under_way)
        return;
    if (archiver->failed_log) {
        struct log_job *log = archiver->failed_log;
        archiver->failed_log = NULL;
        submit_log(archiver, log);
    } else if (archiver->gathered_count && is_log_due(archiver)) {
        put_log(archiver);
    }
}

/* ---- removing what is too old ---- */

/* From a removal that failed nothing is learnt: the next attempt comes soon, and what is a stray
 * then may be on its way just now. */
static void keep_strays(struct archiver *archiver, struct table *strays, int status) {
    if (status && strays)
        table_free(strays);
    archiver->strays = status ? NULL : strays;
}

static void removal_done(struct blob_job *job, int status) {
    struct removal_job *removal = (struct removal_job *)(void *)job;
    struct archiver *archiver = removal->base.archiver;
    archiver->is_snapshot_under_way = false;
    job_ended(archiver, &archiver->removing, &removal->base, status, "remove");
    metric_add(archiver->cells.removed, removal->removed_count);
    for (size_t i = 0; i < removal->doomed.snapshot_count && !status; i++)
        shard_backup_drop_snapshot(&archiver->backup, &removal->doomed.snapshots[i]);
    for (size_t i = 0; i < removal->doomed.log_count && !status; i++)
        shard_backup_drop_log(&archiver->backup, &removal->doomed.logs[i]);
    shard_backup_release(&removal->doomed);
    keep_strays(archiver, removal->strays, status);
    archiver->is_removal_due = status != 0;
    memory_free(removal);
    free_if_over(archiver);
}

static void choose_doomed(const struct archiver *archiver, uint64_t index,
                          struct removal_job *removal) {
    const struct shard_backup *backup = &archiver->backup;
    for (size_t i = 0; i < backup->snapshot_count; i++)
        if (backup->snapshots[i].index < index)
            shard_backup_add_snapshot(&removal->doomed, &backup->snapshots[i]);
    for (size_t i = 0; i < backup->log_count; i++)
        if (backup->logs[i].last_index <= index)
            shard_backup_add_log(&removal->doomed, &backup->logs[i]);
}

/* Each snapshot that was put may make an older one needless. */
static void remove_old(struct archiver *archiver) {
    const struct config *config = archiver->options.config;
    const struct backup_retention retention = {
        .keep_ms = (uint64_t)config->backup_keep_seconds * 1000,
        .interval_ms = (uint64_t)config->backup_snapshot_interval_seconds * 1000};
    uint64_t index = shard_backup_removable(&archiver->backup, &retention);
    struct removal_job *removal = memory_allocate_zeroed(1, sizeof *removal);
    shard_backup_init(&removal->doomed, &archiver->options.place);
    removal->strays = archiver->strays;
    archiver->strays = NULL;
    choose_doomed(archiver, index, removal);
    archiver->is_snapshot_under_way = true;
    submit(archiver, &removal->base, removal_run, removal_done);
}

/* What failed is tried again without waiting for another snapshot. */
static void tick_removal(struct archiver *archiver) {
    if (archiver->is_removal_due && !archiver->is_snapshot_under_way &&
        now_us(archiver) >= archiver->removing.again_at_us)
        remove_old(archiver);
}

/* ---- a snapshot ---- */

/* Where entries are gone the log goes on behind it. */
static void go_on_behind(struct archiver *archiver, const struct snapshot_meta *meta) {
    if (archiver->next_index == 0) {
        archiver->next_index = meta->index + 1;
        archiver->time_ms = meta->stamp_ms;
    }
}

static void snapshot_done(struct blob_job *job, int status);

static void snapshot_was_put(struct archiver *archiver, const struct snapshot_job *snapshot) {
    const struct snapshot_meta *meta = &snapshot->manifest->meta;
    shard_backup_add_snapshot(
        &archiver->backup,
        &(struct backup_snapshot){.index = meta->index, .stamp_ms = meta->stamp_ms});
    archiver->newest_known_us = now_us(archiver);
    if (archiver->due_index <= meta->index) { /* somebody may have asked for more meanwhile */
        archiver->due_index = 0;
        go_on_behind(archiver, meta);
    }
    archiver->archived_index = shard_backup_end(&archiver->backup);
    metric_add(archiver->cells.snapshots, 1);
    log_line(archiver->options.log, LOG_INFO, "snapshot backed up",
             LOG_F("shard", archiver->options.place.shard), LOG_F("index", meta->index));
    remove_old(archiver);
}

static void snapshot_done(struct blob_job *job, int status) {
    struct snapshot_job *snapshot = (struct snapshot_job *)(void *)job;
    struct archiver *archiver = snapshot->base.archiver;
    archiver->is_snapshot_under_way = false;
    job_ended(archiver, &archiver->archiving, &snapshot->base, status, "snapshot");
    if (!status && !snapshot->is_finished && !archiver->is_dropped) {
        snapshot->base = (struct archiver_job){0};
        archiver->is_snapshot_under_way = true;
        submit(archiver, &snapshot->base, snapshot_run, snapshot_done);
        return;
    }
    let_snapshot_go(archiver);
    archiver->has_lost = snapshot->has_lost;
    archiver->lost = snapshot->lost;
    if (!status && !archiver->is_dropped)
        snapshot_was_put(archiver, snapshot);
    snapshot_job_release(snapshot);
    free_if_over(archiver);
}

static void put_snapshot(struct archiver *archiver, struct snapshot_manifest *manifest) {
    struct snapshot_job *snapshot = memory_allocate_zeroed(1, sizeof *snapshot);
    snapshot_shelf_hold(archiver->shelf, manifest);
    archiver->held = manifest;
    snapshot->disk = archiver->options.disk;
    snapshot->manifest =
        snapshot_manifest_new(&manifest->meta, manifest->chunks, manifest->chunk_count);
    archiver->is_snapshot_under_way = true;
    go_on_behind(archiver, &manifest->meta);
    submit(archiver, &snapshot->base, snapshot_run, snapshot_done);
}

/* By the wall clock, which an archiver that was just made shares with the one before; and by this
 * process's own, where the newest stamp is of a clock that was ahead and has been put right. */
static bool is_interval_over(const struct archiver *archiver,
                             const struct backup_snapshot *newest) {
    struct clock *clock = archiver->options.clock;
    uint64_t seconds = (uint64_t)archiver->options.config->backup_snapshot_interval_seconds;
    return clock->wall_ms(clock) >= newest->stamp_ms + seconds * 1000 ||
           now_us(archiver) >= archiver->newest_known_us + seconds * 1000000;
}

static bool is_snapshot_old(const struct archiver *archiver, const struct shard *shard) {
    const struct backup_snapshot *newest = shard_backup_newest_snapshot(&archiver->backup);
    return shard_applied_index(shard) > (newest ? newest->index : 0) &&
           (!newest || is_interval_over(archiver, newest));
}

static void tick_snapshot(struct archiver *archiver, struct shard *shard) {
    if (archiver->is_snapshot_under_way)
        return;
    if (is_snapshot_old(archiver, shard))
        want_snapshot(archiver, shard);
    if (archiver->due_index == 0)
        return;
    archiver->shelf = shard_snapshot_shelf(shard);
    struct snapshot_manifest *newest = snapshot_shelf_newest(archiver->shelf);
    if (newest && newest->meta.index >= archiver->due_index)
        put_snapshot(archiver, newest);
    else
        shard_take_snapshot(shard);
}

/* ---- what the owner tells ---- */

static void show_lag(struct archiver *archiver, const struct shard *shard) {
    uint64_t applied = shard_applied_index(shard), archived = archiver->archived_index;
    if (archiver->is_listed)
        metric_set(archiver->cells.lag_entries,
                   applied > archived ? (int64_t)(applied - archived) : 0);
    metric_set(archiver->cells.lag_time,
               archiver->oldest_us ? (int64_t)(now_us(archiver) - archiver->oldest_us) : 0);
}

void archiver_applied(struct archiver *archiver, struct shard *shard) {
    if (archiver->is_listed)
        gather(archiver, shard);
}

/* What the disk has lost the shard has in memory. The next attempt finds it written anew. */
static void replace_lost(struct archiver *archiver, struct shard *shard) {
    if (archiver->has_lost)
        shard_replace_snapshot(shard, &archiver->lost);
    archiver->has_lost = false;
}

void archiver_tick(struct archiver *archiver, struct shard *shard) {
    bool may_try = now_us(archiver) >= archiver->archiving.again_at_us;
    archiver_applied(archiver, shard);
    show_lag(archiver, shard);
    replace_lost(archiver, shard);
    if (!may_try)
        return;
    if (!archiver->is_listed && !archiver->is_listing_under_way)
        begin_listing(archiver);
    if (!archiver->is_listed)
        return;
    tick_log(archiver);
    tick_snapshot(archiver, shard);
    tick_removal(archiver);
}

void archiver_hurry(struct archiver *archiver, struct shard *shard) {
    archiver->hurry_index = shard_applied_index(shard);
    archiver->due_index = archiver->hurry_index;
}

void archiver_status(const struct archiver *archiver, struct archiver_status *out) {
    const struct backup_snapshot *newest = shard_backup_newest_snapshot(&archiver->backup);
    *out = (struct archiver_status){.is_listed = archiver->is_listed,
                                    .archived_index = archiver->archived_index,
                                    .snapshot_index = newest ? newest->index : 0,
                                    .hurry_index = archiver->hurry_index,
                                    .has_failed = archiver->archiving.pause_us > 0};
}

const struct backup_place *archiver_place(const struct archiver *archiver) {
    return &archiver->options.place;
}
