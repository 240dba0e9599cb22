#include "shard/receive.h"

#include "base/memory.h"
#include "shard/install.h"
#include "shard/snapshot/incoming.h"
#include "shard/snapshot/stand.h"

/* ---- chunks ---- */

static void fetch_from(struct shard *shard, uint32_t ordinal) {
    struct incoming_snapshot *in = &shard->incoming;
    in->fetching = incoming_next_lacking(in, ordinal);
    metric_set(shard->chunks_left, 2 * (int64_t)in->offer->chunk_count - in->fetching);
    if (in->fetching == in->offer->chunk_count && in->storing_count == 0)
        shard_load_incoming(shard);
}

static void chunk_stored(struct snapshot_job *job, int status) {
    struct shard *shard = job->context;
    struct incoming_snapshot *in = &shard->incoming;
    shard->disk_jobs--;
    shard_touch(shard);
    if (in->stage != INCOMING_RECEIVING || in->number != job->number)
        return;
    in->storing_count--;
    if (status) {
        bool is_wrong = status == ERR_DAMAGED || status == ERR_MALFORMED || status == ERR_VERSION;
        shard_refuse_incoming(
            shard, is_wrong ? "received snapshot refused" : "received snapshot not written",
            status);
        return;
    }
    in->chunks[job->ordinal] = CHUNK_STORED;
    metric_add(shard->io->cells.chunks_received, 1);
    fetch_from(shard, in->fetching);
    if (in->stage == INCOMING_RECEIVING)
        shard_tell_incoming(shard, false);
}

static void store_chunk(struct shard *shard) {
    struct incoming_snapshot *in = &shard->incoming;
    struct snapshot_job *job = snapshot_job_new(SNAPSHOT_JOB_STORE, shard->io->disk, shard->number);
    job->chunk = in->offer->chunks[in->fetching];
    job->ordinal = in->fetching;
    job->number = in->number;
    job->bytes = in->image;
    buffer_init(&in->image, SIZE_MAX);
    in->chunks[in->fetching] = CHUNK_STORING;
    in->storing_count++;
    in->fetching = incoming_next_lacking(in, in->fetching + 1);
    shard->disk_jobs++;
    snapshot_job_submit(job, chunk_stored, shard);
}

void shard_piece(struct shard *shard, const struct shard_snapshot_piece *piece) {
    struct incoming_snapshot *in = &shard->incoming;
    if (in->stage != INCOMING_RECEIVING || in->index != piece->snapshot_index ||
        in->from != piece->peer || in->leader_term != piece->term || piece->version != in->version)
        return;
    in->heard_us = shard_now_us(shard);
    shard_touch(shard);
    bool is_next = piece->place.chunk == in->fetching && piece->place.offset == in->image.length &&
                   in->fetching < in->offer->chunk_count;
    if (!is_next || piece->data.length == 0 ||
        piece->data.length > incoming_left_bytes(in, &piece->place))
        return; /* one before it was lost: it is asked for again */
    buffer_append_bytes(&in->image, piece->data);
    in->received_bytes += piece->data.length;
    in->asked_count -= in->asked_count > 0;
    metric_add(shard->io->cells.transfer_received_bytes, piece->data.length);
    if (in->image.length == in->offer->chunks[in->fetching].stored_bytes)
        store_chunk(shard);
    shard_tell_incoming(shard, false);
}

/* ---- beginning ---- */

static void found(struct snapshot_job *job, int status) {
    struct shard *shard = job->context;
    struct incoming_snapshot *in = &shard->incoming;
    shard->disk_jobs--;
    shard_touch(shard);
    if (in->stage != INCOMING_LOOKING || in->number != job->number) {
        snapshot_manifest_free(job->manifest);
        return;
    }
    in->manifest = job->manifest;
    if (status) {
        shard_refuse_incoming(shard, "snapshot offered, and what is here of it cannot be looked at",
                              status);
        return;
    }
    uint32_t reused_count = 0;
    for (uint32_t i = 0; i < in->offer->chunk_count; i++) {
        in->chunks[i] = job->found[i] ? CHUNK_REUSED : CHUNK_LACKING;
        reused_count += job->found[i];
    }
    metric_add(shard->io->cells.chunks_reused, reused_count);
    log_line(shard->io->log, LOG_INFO, "snapshot coming in", LOG_F("shard", shard->number),
             LOG_F("peer", in->from), LOG_F("index", in->index),
             LOG_F("bytes", snapshot_manifest_stored_bytes(in->offer)),
             LOG_F("chunks", in->offer->chunk_count), LOG_F("here_already", reused_count));
    in->stage = INCOMING_RECEIVING;
    fetch_from(shard, 0);
    if (in->stage == INCOMING_RECEIVING)
        shard_ask_again(shard);
}

/* A manifest that no leader would send is refused before anything is asked for. */
static int check_offer(struct shard *shard, const struct shard_snapshot_offer *offer,
                       const struct snapshot_manifest *manifest,
                       struct raft_configuration *configuration) {
    const struct snapshot_meta *meta = &manifest->meta;
    if (meta->shard != shard->number || meta->index != offer->snapshot_index || meta->term == 0 ||
        meta->term > offer->term)
        return ERR_MALFORMED;
    return shard_configuration_of(shard, meta, configuration);
}

static void begin_incoming(struct shard *shard, const struct shard_snapshot_offer *offer) {
    struct incoming_snapshot *in = &shard->incoming;
    shard_end_incoming(shard);
    *in = (struct incoming_snapshot){.stage = INCOMING_LOOKING,
                                     .number = ++shard->next_number,
                                     .from = offer->peer,
                                     .version = offer->version,
                                     .leader_term = offer->term,
                                     .index = offer->snapshot_index,
                                     .heard_us = shard_now_us(shard)};
    buffer_init(&in->image, SIZE_MAX);
    buffer_init(&in->raw, SIZE_MAX);
    int error = snapshot_manifest_decode(offer->manifest, &in->offer);
    if (!error)
        error = check_offer(shard, offer, in->offer, &in->configuration);
    if (error) {
        shard_refuse_incoming(shard, "received snapshot refused", error);
        return;
    }
    in->chunks = memory_allocate_zeroed(in->offer->chunk_count, sizeof *in->chunks);
    struct snapshot_job *job = snapshot_job_new(SNAPSHOT_JOB_FIND, shard->io->disk, shard->number);
    job->number = in->number;
    job->manifest =
        snapshot_manifest_new(&in->offer->meta, in->offer->chunks, in->offer->chunk_count);
    shard->disk_jobs++;
    snapshot_job_submit(job, found, shard);
}

static void tell_no_news(struct shard *shard, const struct shard_snapshot_offer *offer) {
    struct shard_snapshot_progress progress = {.peer = offer->peer,
                                               .version = SHARD_SNAPSHOT_VERSION,
                                               .term = offer->term,
                                               .snapshot_index = offer->snapshot_index,
                                               .is_installed = true};
    shard->io->send_progress(shard->io->context, shard, &progress);
}

static bool is_of_this(const struct incoming_snapshot *in,
                       const struct shard_snapshot_offer *offer) {
    return in->stage != INCOMING_NONE && in->index == offer->snapshot_index &&
           in->from == offer->peer && in->leader_term == offer->term;
}

/* The leader heard nothing for a while: what was asked for may be lost. */
static void said_again(struct shard *shard) {
    if (shard->incoming.stage == INCOMING_RECEIVING)
        shard_ask_again(shard);
    else
        shard_tell_incoming(shard, false); /* still at it */
}

/* What a later release sends cannot be read here: the leader is told what can. */
static void refuse_version(struct shard *shard, const struct shard_snapshot_offer *offer) {
    log_line(shard->io->log, LOG_ERROR,
             "a snapshot is offered in a version that this release does not know: run the leader's "
             "release here",
             LOG_F("shard", shard->number), LOG_F("peer", offer->peer),
             LOG_F("index", offer->snapshot_index), LOG_F("version", offer->version),
             LOG_F("known", SHARD_SNAPSHOT_VERSION));
    struct shard_snapshot_progress progress = {.peer = offer->peer,
                                               .version = SHARD_SNAPSHOT_VERSION,
                                               .term = offer->term,
                                               .snapshot_index = offer->snapshot_index,
                                               .is_refused = true};
    shard->io->send_progress(shard->io->context, shard, &progress);
}

void shard_offer(struct shard *shard, const struct shard_snapshot_offer *offer) {
    struct incoming_snapshot *in = &shard->incoming;
    if (offer->term != raft_current_term(shard->raft) || offer->peer != raft_leader(shard->raft) ||
        shard_is_leader(shard) || shard->own.stage != OWN_NONE)
        return;
    shard_touch(shard);
    if (offer->snapshot_index <= raft_commit_index(shard->raft)) {
        tell_no_news(shard, offer);
    } else if (offer->version < SHARD_SNAPSHOT_VERSION_WHOLE ||
               offer->version > SHARD_SNAPSHOT_VERSION) {
        refuse_version(shard, offer);
    } else if (is_of_this(in, offer)) {
        in->heard_us = shard_now_us(shard);
        said_again(shard);
    } else if (in->stage < INCOMING_NAMING) {
        begin_incoming(shard, offer);
    }
}

/* ---- time ---- */

void shard_tick_incoming(struct shard *shard, uint64_t now) {
    struct incoming_snapshot *in = &shard->incoming;
    if (in->stage == INCOMING_RECEIVING && now > in->heard_us + 2 * shard_stall_us(shard))
        shard_end_incoming(shard);
    else if (in->stage == INCOMING_RECEIVING && now >= in->heard_us + shard_again_us(shard) &&
             now >= in->asked_us + shard_again_us(shard) && in->fetching < in->offer->chunk_count)
        shard_ask_again(shard);
    else if (in->stage == INCOMING_LOADING)
        shard_load_some(shard, now);
}

uint64_t shard_incoming_deadline_us(const struct shard *shard) {
    const struct incoming_snapshot *in = &shard->incoming;
    bool is_loading = in->stage == INCOMING_LOADING && in->raw.length > 0;
    return is_loading ? in->next_load_us : UINT64_MAX;
}
