#include "shard/install.h"

#include "shard/give.h"
#include "shard/snapshot/incoming.h"
#include "shard/snapshot/stagger.h"
#include "shard/snapshot/stand.h"
#include "shard/snapshot/take.h"
#include "shard/step/rewind.h"
#include "shard/waiting/hold.h"
#include "shard/waiting/proposed.h"

static const char GIVEN_UP[] = "received snapshot given up: the shard went on without those that "
                               "had it";

/* Was the shard recovered (shard_recover_alone) since the snapshot was offered? Then what it holds
 * behind the log of the replica that went on was given up, and other entries stand there by now.
 * Nothing else makes a term rise so far. */
static bool is_given_up(const struct shard *shard) {
    return raft_current_term(shard->raft) >= shard->incoming.leader_term + RAFT_RECOVERY_TERMS;
}

static void named(struct snapshot_job *job, int status) {
    struct shard *shard = job->context;
    struct incoming_snapshot *in = &shard->incoming;
    shard->disk_jobs--;
    shard_touch(shard);
    if (status) {
        shard_refuse_incoming(shard, "received snapshot not written", status);
        return;
    }
    if (is_given_up(shard)) {
        shard_refuse_incoming(shard, GIVEN_UP, ERR_REFUSED);
        return;
    }
    in->stage = INCOMING_MARKING;
    in->mark_sequence = wal_append_snapshot(shard->io->wal, shard->number, in->manifest->meta.index,
                                            in->manifest->meta.term);
}

static void loaded_all(struct shard *shard) {
    struct incoming_snapshot *in = &shard->incoming;
    if (!in->machine->ops->load_is_complete(in->machine)) {
        shard_refuse_incoming(shard, "received snapshot refused", ERR_MALFORMED);
        return;
    }
    if (is_given_up(shard)) {
        shard_refuse_incoming(shard, GIVEN_UP, ERR_REFUSED);
        return;
    }
    in->stage = INCOMING_NAMING;
    struct snapshot_job *job = snapshot_job_new(SNAPSHOT_JOB_NAME, shard->io->disk, shard->number);
    job->manifest = in->manifest;
    shard->disk_jobs++;
    snapshot_job_submit(job, named, shard);
}

static void read_chunk(struct shard *shard);

static void chunk_read(struct snapshot_job *job, int status) {
    struct shard *shard = job->context;
    struct incoming_snapshot *in = &shard->incoming;
    shard->disk_jobs--;
    shard_touch(shard);
    if (in->stage != INCOMING_LOADING || in->number != job->number)
        return;
    bool is_lost = status && !disk_error_is_of_process(status);
    if (is_lost && in->chunks[job->ordinal] == CHUNK_REUSED) {
        shard_fetch_again(shard, job->ordinal);
    } else if (status) {
        shard_refuse_incoming(shard, "received snapshot cannot be read back", status);
    } else {
        in->raw = job->bytes;
        buffer_init(&job->bytes, 0);
    }
}

static void read_chunk(struct shard *shard) {
    struct incoming_snapshot *in = &shard->incoming;
    struct snapshot_job *job = snapshot_job_new(SNAPSHOT_JOB_READ, shard->io->disk, shard->number);
    job->chunk = in->manifest->chunks[in->loading];
    job->ordinal = in->loading;
    job->number = in->number;
    metric_set(shard->chunks_left, in->manifest->chunk_count - in->loading);
    shard->disk_jobs++;
    snapshot_job_submit(job, chunk_read, shard);
}

void shard_load_incoming(struct shard *shard) {
    struct incoming_snapshot *in = &shard->incoming;
    in->stage = INCOMING_LOADING;
    in->machine = shard->machine->ops->make_empty(shard->machine);
    in->loading = 0;
    if (in->manifest->chunk_count == 0)
        loaded_all(shard);
    else
        read_chunk(shard);
}

void shard_load_some(struct shard *shard, uint64_t now) {
    struct incoming_snapshot *in = &shard->incoming;
    if (in->raw.length == 0 || now < in->next_load_us)
        return;
    in->next_load_us = now + shard_turn_us(shard);
    size_t turn_bytes = shard_load_bytes(shard);
    size_t length = in->raw.length < turn_bytes ? in->raw.length : turn_bytes;
    int error = in->machine->ops->load(in->machine, bytes_of(buffer_data(&in->raw), length));
    if (error) {
        shard_refuse_incoming(shard, "received snapshot refused", error);
        return;
    }
    buffer_consume(&in->raw, length);
    in->received_bytes += length;
    metric_add(shard->io->cells.snapshot_loaded_bytes, length);
    if (in->raw.length > 0)
        return;
    buffer_release(&in->raw);
    if (++in->loading == in->manifest->chunk_count)
        loaded_all(shard);
    else
        read_chunk(shard);
}

/* ---- in place ---- */

static void put_in_place(struct shard *shard, const struct snapshot_meta *meta,
                         const struct raft_configuration *configuration) {
    struct incoming_snapshot *in = &shard->incoming;
    shard_end_rewind(shard);
    shard->machine->ops->free(shard->machine);
    shard->machine = in->machine;
    in->machine = NULL;
    shard_watch_from_newest(shard);
    shard->machine->ops->watch(shard->machine, &shard->watch);
    shard_stand_at(shard, meta);
    shard_give_up_held(shard);
    shard_forget_covered(shard, meta->index);
    metric_add(shard->io->cells.snapshots_installed, 1);
    log_line(shard->io->log, LOG_INFO, "snapshot installed", LOG_F("shard", shard->number),
             LOG_F("index", meta->index), LOG_F("term", meta->term));
    struct raft_event event = {.kind = RAFT_SNAPSHOT_INSTALLED,
                               .snapshot_index = meta->index,
                               .snapshot_term = meta->term,
                               .configuration = configuration};
    shard_give(shard, &event);
    shard->io->applied(shard->io->context, shard);
}

/* By now a new leader may have sent the entries that the snapshot covers: then it lets them go, as
 * one taken here would; but what changed since its index is not known, so all counts as changed. */
static void only_compact(struct shard *shard, const struct snapshot_meta *meta) {
    part_set_add_all(&shard->watch.changed);
    shard->snapshot_index = meta->index;
    stagger_clear(shard);
    shard_rewind_to_newest(shard);
    struct raft_event event = {
        .kind = RAFT_COMPACT, .snapshot_index = meta->index, .snapshot_term = meta->term};
    shard_give(shard, &event);
}

void shard_incoming_durable(struct shard *shard, uint64_t wal_sequence) {
    struct incoming_snapshot *in = &shard->incoming;
    if (in->stage != INCOMING_MARKING || in->mark_sequence > wal_sequence)
        return;
    struct snapshot_meta meta = in->manifest->meta;
    struct raft_configuration configuration = in->configuration;
    snapshot_shelf_put(shard->shelf, in->manifest);
    in->manifest = NULL;
    wal_release(shard->io->wal, shard->number, meta.index);
    if (meta.index > raft_commit_index(shard->raft))
        put_in_place(shard, &meta, &configuration);
    else
        only_compact(shard, &meta);
    shard_tell_incoming(shard, true);
    shard_end_incoming(shard);
    shard_tidy_snapshots(shard);
    if (shard->io->snapshot_durable)
        shard->io->snapshot_durable(shard->io->context, shard);
}
