#include "shard/step/rewind.h"

#include <stdio.h>

#include "base/planted.h"
#include "shard/snapshot/stand.h"
#include "shard/snapshot/take.h"
#include "shard/state/look.h"
#include "shard/step/apply.h"
#include "shard/waiting/hold.h"

void shard_end_rewind(struct shard *shard) {
    struct rewind *rewind = &shard->rewind;
    buffer_release(&rewind->raw);
    if (rewind->manifest)
        snapshot_shelf_let_go(shard->shelf, rewind->manifest);
    *rewind = (struct rewind){.stage = REWIND_NONE};
}

static void fail(struct shard *shard, int error) {
    char text[160];
    snprintf(text, sizeof text,
             "snapshot of shard %u at index %llu cannot be read to go back to it: %s",
             shard->number, (unsigned long long)shard->snapshot_index, error_text(error));
    shard->io->fatal(shard->io->context, text);
}

/* ---- the snapshot ---- */

static void loaded_all(struct shard *shard) {
    struct rewind *rewind = &shard->rewind;
    const struct machine_ops *ops = shard->machine->ops;
    if (rewind->manifest && !ops->load_is_complete(shard->machine)) {
        fail(shard, ERR_MALFORMED);
        return;
    }
    ops->watch(shard->machine, &shard->watch);
    rewind->stage = REWIND_APPLYING;
    rewind->apply_to = shard->applied_index;
}

/* Too many files are open, say: nothing is wrong with the snapshot, and the node need not end. */
static void put_off(struct shard *shard, int error) {
    struct rewind *rewind = &shard->rewind;
    log_line(shard->io->log, LOG_WARN,
             "a snapshot to go back to cannot be read now; it is tried again",
             LOG_F("shard", shard->number), LOG_F("index", shard->snapshot_index),
             LOG_T("error", error_text(error)));
    rewind->is_put_off = true;
    rewind->next_us = shard_now_us(shard) + shard_pause_us(shard);
}

static void chunk_read(struct snapshot_job *job, int status) {
    struct shard *shard = job->context;
    struct rewind *rewind = &shard->rewind;
    shard->disk_jobs--;
    shard_touch(shard);
    if (rewind->stage != REWIND_LOADING || rewind->number != job->number)
        return;
    if (disk_error_may_pass(status)) {
        put_off(shard, status);
        return;
    }
    if (status) {
        fail(shard, status);
        return;
    }
    rewind->raw = job->bytes;
    buffer_init(&job->bytes, 0);
}

static void read_chunk(struct shard *shard) {
    struct rewind *rewind = &shard->rewind;
    rewind->is_put_off = false;
    if (!rewind->manifest || rewind->loading == rewind->manifest->chunk_count) {
        loaded_all(shard);
        return;
    }
    struct snapshot_job *job = snapshot_job_new(SNAPSHOT_JOB_READ, shard->io->disk, shard->number);
    job->chunk = rewind->manifest->chunks[rewind->loading];
    job->ordinal = rewind->loading;
    job->number = rewind->number;
    shard->disk_jobs++;
    snapshot_job_submit(job, chunk_read, shard);
}

static void load_some(struct shard *shard) {
    struct rewind *rewind = &shard->rewind;
    size_t length = rewind->raw.length;
    if (length > shard_load_bytes(shard))
        length = shard_load_bytes(shard);
    struct bytes piece = bytes_of(buffer_data(&rewind->raw), length);
    int error = shard->machine->ops->load(shard->machine, piece);
    if (error) {
        fail(shard, error);
        return;
    }
    buffer_consume(&rewind->raw, length);
    if (rewind->raw.length == 0) {
        buffer_release(&rewind->raw);
        rewind->loading++;
        read_chunk(shard);
    }
}

/* ---- the log behind it ---- */

/* Who catches up applies what has come since the last turn as well, or the end would move away as
 * fast as this comes nearer. */
static size_t bytes_of_turn(struct shard *shard, raft_index commit_index) {
    struct rewind *rewind = &shard->rewind;
    if (!rewind->is_catching_up)
        return shard_load_bytes(shard);
    size_t turn_bytes = shard_catch_up_bytes(shard);
    while (rewind->seen < commit_index)
        turn_bytes += raft_entry_at(shard->raft, ++rewind->seen)->length;
    return turn_bytes;
}

/* An entry at least; so the end is reached however long they are. */
static void apply_some(struct shard *shard) {
    struct rewind *rewind = &shard->rewind;
    raft_index commit_index = raft_commit_index(shard->raft);
    size_t turn_bytes = bytes_of_turn(shard, commit_index);
    for (size_t bytes = 0; rewind->apply_to < commit_index && bytes < turn_bytes;)
        bytes += raft_entry_at(shard->raft, ++rewind->apply_to)->length;
    bool is_last = rewind->apply_to >= commit_index, has_gone_back = !rewind->is_catching_up;
    if (rewind->is_catching_up)
        shard_apply(shard); /* or it would find itself behind again */
    if (is_last)
        shard_end_rewind(shard);
    if (is_last && has_gone_back)
        log_line(shard->io->log, LOG_INFO, "went back", LOG_F("shard", shard->number),
                 LOG_F("commit", commit_index));
    shard_apply(shard);
}

/* ---- begin, and go on ---- */

static void begin(struct shard *shard) {
    struct rewind *rewind = &shard->rewind;
    struct snapshot_manifest *newest = snapshot_shelf_newest(shard->shelf);
    struct snapshot_meta meta = newest ? newest->meta : (struct snapshot_meta){0};
    struct machine *empty = shard->machine->ops->make_empty(shard->machine);
    shard_end_rewind(shard);
    shard->machine->ops->free(shard->machine);
    shard->machine = empty;
    *rewind = (struct rewind){
        .stage = REWIND_LOADING, .number = ++shard->next_number, .manifest = newest};
    if (newest)
        snapshot_shelf_hold(shard->shelf, newest);
    shard_stand_at(shard, &meta);
    raft_set_applied(shard->raft, shard->applied_index);
    read_chunk(shard);
}

void shard_rewind(struct shard *shard, raft_index truncated_from) {
    if (truncated_from > shard->applied_index || PLANTED(REWIND_FORGOTTEN))
        return;
    log_line(shard->io->log, LOG_WARN,
             "going back: writes that were answered before they were on disk did not survive",
             LOG_F("shard", shard->number), LOG_F("applied", shard->applied_index),
             LOG_F("from", truncated_from), LOG_F("commit", raft_commit_index(shard->raft)));
    metric_add(shard->io->cells.rewinds, 1);
    queue_truncate(&shard->early.ahead, 0);
    shard_give_up_held(shard);
    shard_give_up_cut(shard);
    begin(shard);
}

void shard_rewind_to_newest(struct shard *shard) {
    const struct snapshot_manifest *newest = snapshot_shelf_newest(shard->shelf);
    if (shard_is_rewinding(shard) && shard->applied_index < newest->meta.index)
        begin(shard);
}

uint64_t shard_rewind_deadline_us(const struct shard *shard) {
    bool is_reading =
        shard_is_hollow(shard) && shard->rewind.raw.length == 0 && !shard->rewind.is_put_off;
    return shard_is_rewinding(shard) && !is_reading ? shard->rewind.next_us : UINT64_MAX;
}

void shard_tick_rewind(struct shard *shard, uint64_t now_us) {
    if (now_us < shard_rewind_deadline_us(shard))
        return;
    shard->rewind.next_us = now_us + (shard->rewind.is_catching_up ? 0 : shard_turn_us(shard));
    if (shard->rewind.is_put_off)
        read_chunk(shard);
    else if (shard_is_hollow(shard))
        load_some(shard);
    else
        apply_some(shard);
}
