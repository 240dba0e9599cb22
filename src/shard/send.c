#include "shard/send.h"

#include "shard/give.h"
#include "shard/snapshot/outgoing.h"
#include "shard/snapshot/take.h"

static void end_outgoing(struct shard *shard, struct outgoing_snapshot *out, bool is_rejected) {
    raft_node_number peer = out->peer;
    raft_index index = out->manifest->meta.index;
    struct raft_event event = {.kind = RAFT_SNAPSHOT_SENT,
                               .peer = peer,
                               .snapshot_index = index,
                               .is_rejected = is_rejected};
    metric_add(shard->io->cells.snapshots_sent, !is_rejected);
    log_line(shard->io->log, is_rejected ? LOG_WARN : LOG_INFO,
             is_rejected ? "snapshot transfer broke off" : "snapshot transferred",
             LOG_F("shard", shard->number), LOG_F("peer", peer), LOG_F("index", index),
             LOG_F("bytes", out->sent_bytes));
    outgoing_free(shard, out);
    shard_tidy_snapshots(shard);
    shard_give(shard, &event);
}

/* ---- pieces ---- */

static void serve(struct shard *shard, struct outgoing_snapshot *out);

/* Raft asks for a snapshot again, and what the disk has lost is written anew until then. */
static void fail_to_load(struct shard *shard, struct outgoing_snapshot *out,
                         const struct snapshot_chunk *chunk, int status) {
    bool is_lost = !disk_error_is_of_process(status);
    log_line(shard->io->log, is_lost ? LOG_ERROR : LOG_WARN,
             is_lost ? "snapshot cannot be read; another one is taken in its place"
                     : "snapshot cannot be read now",
             LOG_F("shard", shard->number), LOG_F("index", out->manifest->meta.index),
             LOG_T("error", error_text(status)));
    end_outgoing(shard, out, true);
    if (is_lost)
        take_anew(shard, chunk);
}

static void chunk_loaded(struct snapshot_job *job, int status) {
    struct shard *shard = job->context;
    shard->disk_jobs--;
    shard_touch(shard);
    struct outgoing_snapshot *out = NULL;
    for (unsigned i = 0; i < RAFT_VOTER_MAXIMUM; i++)
        if (shard->outgoing[i].peer && shard->outgoing[i].number == job->number)
            out = &shard->outgoing[i];
    if (!out)
        return;
    out->is_loading = false;
    if (status) {
        fail_to_load(shard, out, &job->chunk, status);
        return;
    }
    out->image = job->bytes;
    buffer_init(&job->bytes, 0);
    out->image_ordinal = job->ordinal;
    out->has_image = true;
    serve(shard, out);
}

static void load_chunk(struct shard *shard, struct outgoing_snapshot *out, uint32_t ordinal) {
    buffer_release(&out->image);
    out->has_image = false;
    out->is_loading = true;
    struct snapshot_job *job = snapshot_job_new(SNAPSHOT_JOB_LOAD, shard->io->disk, shard->number);
    job->chunk = out->manifest->chunks[ordinal];
    job->ordinal = ordinal;
    job->number = out->number;
    shard->disk_jobs++;
    snapshot_job_submit(job, chunk_loaded, shard);
}

static void send_piece(struct shard *shard, struct outgoing_snapshot *out, size_t length) {
    struct shard_snapshot_wish wish = out->wishes[0];
    memmove(out->wishes, out->wishes + 1, --out->wish_count * sizeof *out->wishes);
    struct shard_snapshot_piece piece = {
        .peer = out->peer,
        .version = outgoing_version(out),
        .term = raft_current_term(shard->raft),
        .snapshot_index = out->manifest->meta.index,
        .place = wish,
        .data = bytes_of(buffer_data(&out->image) + wish.offset, length)};
    out->sent_bytes += length;
    metric_add(shard->io->cells.transfer_sent_bytes, length);
    shard->io->send_piece(shard->io->context, shard, &piece);
}

/* Sends what is wished for, as far as it is in memory and the rate allows. */
static void serve(struct shard *shard, struct outgoing_snapshot *out) {
    while (out->wish_count && !out->is_loading && shard_now_us(shard) >= out->admitted_us) {
        struct shard_snapshot_wish wish = out->wishes[0];
        if (!out->has_image || out->image_ordinal != wish.chunk) {
            load_chunk(shard, out, wish.chunk);
            return;
        }
        size_t left = out->image.length - (size_t)wish.offset;
        size_t length = left < SHARD_SNAPSHOT_PIECE_BYTES ? left : SHARD_SNAPSHOT_PIECE_BYTES;
        out->admitted_us = shard->io->admit_transfer_us(shard->io->context, length);
        if (out->admitted_us == 0)
            send_piece(shard, out, length);
    }
}

static bool is_wished(const struct outgoing_snapshot *out, const struct shard_snapshot_wish *wish) {
    for (unsigned i = 0; i < out->wish_count; i++)
        if (out->wishes[i].chunk == wish->chunk && out->wishes[i].offset == wish->offset)
            return true;
    return false;
}

/* What is asked for again, because the rate holds it back, is in the list already. */
static void add_wishes(struct outgoing_snapshot *out,
                       const struct shard_snapshot_progress *progress) {
    for (unsigned i = 0; i < progress->wish_count; i++) {
        const struct shard_snapshot_wish *wish = &progress->wishes[i];
        if (wish->chunk < out->manifest->chunk_count &&
            wish->offset < out->manifest->chunks[wish->chunk].stored_bytes &&
            out->wish_count < SHARD_SNAPSHOT_WISHES_MAXIMUM && !is_wished(out, wish))
            out->wishes[out->wish_count++] = *wish;
    }
}

void shard_progress(struct shard *shard, const struct shard_snapshot_progress *progress) {
    struct outgoing_snapshot *out = progress->peer ? outgoing_find(shard, progress->peer) : NULL;
    if (!out || out->manifest->meta.index != progress->snapshot_index ||
        progress->term != raft_current_term(shard->raft))
        return;
    out->heard_us = shard_now_us(shard);
    if (progress->received_bytes != out->received_bytes)
        out->advanced_us = out->heard_us;
    out->received_bytes = progress->received_bytes;
    shard_touch(shard);
    if (progress->version < outgoing_version(out) && progress->is_refused) {
        log_line(shard->io->log, LOG_ERROR,
                 "a follower does not know the version in which snapshots are sent: run this "
                 "release there",
                 LOG_F("shard", shard->number), LOG_F("peer", out->peer),
                 LOG_F("version", outgoing_version(out)), LOG_F("known", progress->version));
    }
    if (progress->is_installed || progress->is_refused) {
        end_outgoing(shard, out, progress->is_refused);
        return;
    }
    add_wishes(out, progress);
    serve(shard, out);
}

/* ---- time ---- */

/* A sign of life is asked for by offering again. */
static uint64_t offer_again_us(const struct shard *shard, const struct outgoing_snapshot *out) {
    uint64_t told_us = out->heard_us > out->offered_us ? out->heard_us : out->offered_us;
    return told_us + shard_again_us(shard);
}

/* When it is broken off: the follower is silent, or answers and comes no further though nothing is
 * held back here. Raft asks again, and what is there already is not sent again. */
static uint64_t break_off_us(const struct shard *shard, const struct outgoing_snapshot *out) {
    uint64_t silent_us = out->heard_us + shard_stall_us(shard);
    uint64_t advanced_us =
        out->advanced_us > out->admitted_us ? out->advanced_us : out->admitted_us;
    uint64_t still_us = advanced_us + SHARD_SNAPSHOT_STANDSTILL_US;
    return silent_us < still_us ? silent_us : still_us;
}

void shard_tick_outgoing(struct shard *shard, uint64_t now) {
    for (unsigned i = 0; i < RAFT_VOTER_MAXIMUM; i++) {
        struct outgoing_snapshot *out = &shard->outgoing[i];
        if (!out->peer)
            continue;
        if (now >= break_off_us(shard, out))
            end_outgoing(shard, out, true);
        else if (now >= offer_again_us(shard, out))
            outgoing_offer(shard, out);
        else
            serve(shard, out);
    }
}

static uint64_t outgoing_deadline_us(const struct shard *shard,
                                     const struct outgoing_snapshot *out) {
    uint64_t deadline = offer_again_us(shard, out);
    uint64_t end_us = break_off_us(shard, out);
    bool is_held_back = out->wish_count && !out->is_loading;
    deadline = end_us < deadline ? end_us : deadline;
    return is_held_back && out->admitted_us < deadline ? out->admitted_us : deadline;
}

uint64_t shard_outgoing_deadline_us(const struct shard *shard) {
    uint64_t deadline = UINT64_MAX;
    for (unsigned i = 0; i < RAFT_VOTER_MAXIMUM && shard->outgoing_count > 0; i++) {
        const struct outgoing_snapshot *out = &shard->outgoing[i];
        if (out->peer && outgoing_deadline_us(shard, out) < deadline)
            deadline = outgoing_deadline_us(shard, out);
    }
    return deadline;
}
