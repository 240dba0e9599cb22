#include "base/check.h"
#include "base/memory.h"
#include "shard/internal.h"

/* Snapshots of this shard: taken to let the log go, sent to followers that need what the log no
 * longer has, received. The order is always: file durable -> its mark in the WAL durable -> the log
 * before it released (etcd #10219). */

static uint64_t now_us(const struct shard *shard) {
    return shard->io.clock->monotonic_us(shard->io.clock);
}

/* ---- taking ---- */

static void write_chunk(void *context, struct bytes chunk) {
    snapshot_writer_write(context, chunk);
}

static void make_image(struct shard *shard, struct buffer *image) {
    struct snapshot_meta meta = {.shard = shard->number,
                                 .index = shard->applied_index,
                                 .term = shard->applied_term,
                                 .stamp_ms = shard->time_ms};
    struct buffer configuration;
    buffer_init(&configuration, SNAPSHOT_CONFIGURATION_MAXIMUM);
    raft_configuration_encode(raft_configuration_at(shard->raft, shard->applied_index),
                              &configuration);
    CHECK(!configuration.is_overflowed);
    memcpy(meta.configuration, buffer_data(&configuration), configuration.length);
    meta.configuration_bytes = (uint32_t)configuration.length;
    buffer_release(&configuration);
    struct snapshot_writer *writer = snapshot_writer_new(&meta);
    shard->machine->ops->save(shard->machine, write_chunk, writer);
    snapshot_writer_finish(writer, image);
}

static void own_saved(void *context, int status) {
    struct shard *shard = context;
    shard->disk_jobs--;
    if (status) {
        log_line(shard->io.log, LOG_ERROR, "snapshot not written", LOG_F("shard", shard->number),
                 LOG_T("error", error_text(status)));
        shard->own.stage = OWN_NONE;
        return;
    }
    shard->own.stage = OWN_MARKING;
    shard->own.mark_sequence =
        wal_append_snapshot(shard->io.wal, shard->number, shard->own.index, shard->own.term);
}

static bool is_transferring(const struct shard *shard) {
    if (shard->incoming.stage != INCOMING_NONE) {
        return true;
    }
    for (unsigned i = 0; i < RAFT_VOTER_MAXIMUM; i++) {
        if (shard->outgoing[i].peer) {
            return true;
        }
    }
    return false;
}

void shard_take_snapshot(struct shard *shard) {
    if (shard->own.stage != OWN_NONE || is_transferring(shard) ||
        shard->applied_index <= shard->snapshot_index) {
        return;
    }
    struct buffer image;
    make_image(shard, &image);
    shard->own = (struct own_snapshot){.stage = OWN_SAVING,
                                       .begun_us = now_us(shard),
                                       .index = shard->applied_index,
                                       .term = shard->applied_term};
    metric_add(shard->cells.snapshot_bytes, image.length);
    log_line(shard->io.log, LOG_INFO, "snapshot begun", LOG_F("shard", shard->number),
             LOG_F("index", shard->own.index), LOG_F("bytes", image.length));
    shard->disk_jobs++;
    snapshot_save(shard->io.disk, shard->number, shard->own.index, &image, own_saved, shard);
}

void shard_maybe_snapshot(struct shard *shard) {
    const struct config *config = shard->io.config;
    uint64_t entries = shard->applied_index - shard->snapshot_index;
    if (entries >= (uint64_t)config->snapshot_log_entries ||
        (entries > 0 && raft_log_bytes(shard->raft) >= (uint64_t)config->snapshot_log_bytes)) {
        shard_take_snapshot(shard);
    }
}

static void own_marked(struct shard *shard) {
    shard->own.stage = OWN_NONE;
    shard->snapshot_index = shard->own.index;
    metric_add(shard->cells.snapshots_taken, 1);
    metric_observe(shard->cells.snapshot_time, now_us(shard) - shard->own.begun_us);
    log_line(shard->io.log, LOG_INFO, "snapshot taken", LOG_F("shard", shard->number),
             LOG_F("index", shard->own.index), LOG_F("term", shard->own.term));
    wal_release(shard->io.wal, shard->number, shard->own.index);
    snapshot_remove_older(shard->io.disk, shard->number, shard->own.index);
    struct raft_event event = {
        .kind = RAFT_COMPACT, .snapshot_index = shard->own.index, .snapshot_term = shard->own.term};
    shard_step(shard, &event);
}

/* ---- sending ---- */

static void send_pieces(struct shard *shard, struct outgoing_snapshot *out) {
    uint64_t window = (uint64_t)SHARD_SNAPSHOT_PIECES_IN_FLIGHT * SHARD_SNAPSHOT_PIECE_BYTES;
    while (out->sent_bytes < out->image.length &&
           out->sent_bytes < out->acknowledged_bytes + window) {
        size_t length = out->image.length - out->sent_bytes;
        if (length > SHARD_SNAPSHOT_PIECE_BYTES) {
            length = SHARD_SNAPSHOT_PIECE_BYTES;
        }
        struct shard_snapshot_piece piece = {
            .peer = out->peer,
            .term = raft_current_term(shard->raft),
            .snapshot_index = out->index,
            .total_bytes = out->image.length,
            .offset = out->sent_bytes,
            .data = bytes_of(buffer_data(&out->image) + out->sent_bytes, length)};
        shard->io.send_piece(shard->io.context, shard, &piece);
        out->sent_bytes += length;
    }
}

static struct outgoing_snapshot *find_outgoing(struct shard *shard, raft_node_number peer) {
    for (unsigned i = 0; i < RAFT_VOTER_MAXIMUM; i++) {
        if (shard->outgoing[i].peer == peer) {
            return &shard->outgoing[i];
        }
    }
    return NULL;
}

static void tell_raft_sent(struct shard *shard, raft_node_number peer, raft_index index,
                           bool is_rejected) {
    struct raft_event event = {.kind = RAFT_SNAPSHOT_SENT,
                               .peer = peer,
                               .snapshot_index = index,
                               .is_rejected = is_rejected};
    shard_step(shard, &event);
}

static void end_outgoing(struct shard *shard, struct outgoing_snapshot *out, bool is_rejected) {
    raft_node_number peer = out->peer;
    raft_index index = out->index;
    buffer_release(&out->image);
    out->peer = 0;
    metric_add(shard->cells.snapshots_sent, !is_rejected);
    log_line(shard->io.log, is_rejected ? LOG_WARN : LOG_INFO,
             is_rejected ? "snapshot transfer broke off" : "snapshot transferred",
             LOG_F("shard", shard->number), LOG_F("peer", peer), LOG_F("index", index));
    tell_raft_sent(shard, peer, index, is_rejected);
}

void shard_send_snapshot(struct shard *shard, raft_node_number peer) {
    struct outgoing_snapshot *out = find_outgoing(shard, peer);
    if (out) {
        return;
    }
    out = find_outgoing(shard, 0);
    struct snapshot_meta meta;
    int error = ERR_NOT_FOUND;
    if (out && shard->snapshot_index) {
        error =
            snapshot_load(shard->io.disk, shard->number, shard->snapshot_index, &out->image, &meta);
    }
    if (error) {
        log_line(shard->io.log, LOG_ERROR, "snapshot cannot be sent", LOG_F("shard", shard->number),
                 LOG_F("index", shard->snapshot_index), LOG_T("error", error_text(error)));
        tell_raft_sent(shard, peer, 0, true);
        return;
    }
    out->peer = peer;
    out->index = meta.index;
    out->term = meta.term;
    out->sent_bytes = out->acknowledged_bytes = 0;
    out->progress_us = now_us(shard);
    log_line(shard->io.log, LOG_INFO, "snapshot transfer begun", LOG_F("shard", shard->number),
             LOG_F("peer", peer), LOG_F("index", out->index), LOG_F("bytes", out->image.length));
    send_pieces(shard, out);
}

void shard_progress(struct shard *shard, const struct shard_snapshot_progress *progress) {
    struct outgoing_snapshot *out = find_outgoing(shard, progress->peer);
    if (progress->peer == 0 || !out || out->index != progress->snapshot_index ||
        !shard_is_leader(shard)) {
        return;
    }
    if (progress->is_installed || progress->is_refused) {
        end_outgoing(shard, out, progress->is_refused);
        return;
    }
    if (progress->received_bytes > out->image.length) {
        return;
    }
    if (progress->received_bytes > out->acknowledged_bytes) {
        out->progress_us = now_us(shard);
    } else if (progress->received_bytes < out->acknowledged_bytes) {
        out->sent_bytes = progress->received_bytes; /* the receiver begins again there */
    }
    out->acknowledged_bytes = progress->received_bytes;
    send_pieces(shard, out);
}

/* No longer leader: whoever leads now sends what is needed. */
void shard_drop_transfers(struct shard *shard) {
    for (unsigned i = 0; i < RAFT_VOTER_MAXIMUM; i++) {
        if (shard->outgoing[i].peer) {
            buffer_release(&shard->outgoing[i].image);
            shard->outgoing[i].peer = 0;
        }
    }
}

/* ---- receiving ---- */

static void send_progress(struct shard *shard, bool is_installed, bool is_refused) {
    struct incoming_snapshot *in = &shard->incoming;
    struct shard_snapshot_progress progress = {.peer = in->from,
                                               .term = in->leader_term,
                                               .snapshot_index = in->index,
                                               .received_bytes = in->image.length,
                                               .is_installed = is_installed,
                                               .is_refused = is_refused};
    shard->io.send_progress(shard->io.context, shard, &progress);
}

static void end_incoming(struct shard *shard) {
    buffer_release(&shard->incoming.image);
    buffer_init(&shard->incoming.image, SHARD_SNAPSHOT_IMAGE_MAXIMUM);
    shard->incoming.stage = INCOMING_NONE;
}

static void incoming_saved(void *context, int status) {
    struct shard *shard = context;
    struct incoming_snapshot *in = &shard->incoming;
    shard->disk_jobs--;
    if (status) {
        log_line(shard->io.log, LOG_ERROR, "received snapshot not written",
                 LOG_F("shard", shard->number), LOG_T("error", error_text(status)));
        send_progress(shard, false, true);
        end_incoming(shard);
        return;
    }
    in->stage = INCOMING_MARKING;
    in->mark_sequence =
        wal_append_snapshot(shard->io.wal, shard->number, in->meta.index, in->meta.term);
}

static int unpack_only(void *context, struct bytes raw) {
    (void)context;
    (void)raw;
    return 0;
}

/* Everything came: verify it, down to the last frame, and make it durable under its final name. */
static void received_whole(struct shard *shard) {
    struct incoming_snapshot *in = &shard->incoming;
    int error = snapshot_read(buffer_bytes(&in->image), &in->meta, unpack_only, NULL);
    if (!error && (in->meta.shard != shard->number || in->meta.index != in->index)) {
        error = ERR_MALFORMED;
    }
    if (error || in->meta.index <= shard->applied_index) {
        if (error) {
            log_line(shard->io.log, LOG_WARN, "received snapshot refused",
                     LOG_F("shard", shard->number), LOG_T("error", error_text(error)));
        }
        send_progress(shard, !error, error != 0);
        end_incoming(shard);
        return;
    }
    in->stage = INCOMING_SAVING;
    struct buffer copy;
    buffer_init(&copy, SHARD_SNAPSHOT_IMAGE_MAXIMUM);
    buffer_append_bytes(&copy, buffer_bytes(&in->image));
    shard->disk_jobs++;
    snapshot_save(shard->io.disk, shard->number, in->meta.index, &copy, incoming_saved, shard);
}

static void begin_incoming(struct shard *shard, const struct shard_snapshot_piece *piece) {
    struct incoming_snapshot *in = &shard->incoming;
    buffer_clear(&in->image);
    in->stage = INCOMING_RECEIVING;
    in->from = piece->peer;
    in->leader_term = piece->term;
    in->index = piece->snapshot_index;
    in->total_bytes = piece->total_bytes;
    log_line(shard->io.log, LOG_INFO, "snapshot coming in", LOG_F("shard", shard->number),
             LOG_F("peer", piece->peer), LOG_F("index", piece->snapshot_index),
             LOG_F("bytes", piece->total_bytes));
}

void shard_piece(struct shard *shard, const struct shard_snapshot_piece *piece) {
    struct incoming_snapshot *in = &shard->incoming;
    if (piece->term < raft_current_term(shard->raft) || shard_is_leader(shard) ||
        piece->total_bytes > SHARD_SNAPSHOT_IMAGE_MAXIMUM || piece->total_bytes == 0 ||
        in->stage == INCOMING_SAVING || in->stage == INCOMING_MARKING ||
        shard->own.stage != OWN_NONE) {
        return;
    }
    bool is_other = in->stage == INCOMING_NONE || in->index != piece->snapshot_index ||
                    in->from != piece->peer || in->leader_term != piece->term ||
                    in->total_bytes != piece->total_bytes;
    if (is_other) {
        begin_incoming(shard, piece);
    }
    in->progress_us = now_us(shard);
    if (piece->offset != in->image.length ||
        piece->data.length > in->total_bytes - in->image.length) {
        send_progress(shard, false, false);
        return;
    }
    buffer_append_bytes(&in->image, piece->data);
    if (in->image.length == in->total_bytes) {
        received_whole(shard);
    } else {
        send_progress(shard, false, false);
    }
}

/* The file and its mark are durable: put the state in place of what was here. */
static void incoming_marked(struct shard *shard) {
    struct incoming_snapshot *in = &shard->incoming;
    if (in->meta.index > shard->applied_index) {
        struct snapshot_meta meta;
        struct raft_configuration configuration;
        int error = shard_load_image(shard, buffer_bytes(&in->image), &meta);
        CHECK(error == 0); /* unpacked whole when it came; its records were written by a replica */
        error = shard_configuration_of(shard, &meta, &configuration);
        CHECK(error == 0);
        shard_forget_covered(shard, meta.index);
        metric_add(shard->cells.snapshots_installed, 1);
        log_line(shard->io.log, LOG_INFO, "snapshot installed", LOG_F("shard", shard->number),
                 LOG_F("index", meta.index), LOG_F("term", meta.term));
        struct raft_event event = {.kind = RAFT_SNAPSHOT_INSTALLED,
                                   .snapshot_index = meta.index,
                                   .snapshot_term = meta.term,
                                   .configuration = &configuration};
        shard_step(shard, &event);
        shard->io.applied(shard->io.context, shard);
    }
    wal_release(shard->io.wal, shard->number, in->meta.index);
    snapshot_remove_older(shard->io.disk, shard->number, in->meta.index);
    send_progress(shard, true, false);
    end_incoming(shard);
}

/* ---- both ---- */

void shard_snapshots_durable(struct shard *shard, uint64_t wal_sequence) {
    if (shard->own.stage == OWN_MARKING && shard->own.mark_sequence <= wal_sequence) {
        own_marked(shard);
    }
    if (shard->incoming.stage == INCOMING_MARKING &&
        shard->incoming.mark_sequence <= wal_sequence) {
        incoming_marked(shard);
    }
}

void shard_tick_transfers(struct shard *shard, uint64_t now) {
    for (unsigned i = 0; i < RAFT_VOTER_MAXIMUM; i++) {
        struct outgoing_snapshot *out = &shard->outgoing[i];
        if (out->peer && now > out->progress_us + SHARD_SNAPSHOT_STALL_US) {
            end_outgoing(shard, out, true);
        }
    }
    if (shard->incoming.stage == INCOMING_RECEIVING &&
        now > shard->incoming.progress_us + 2 * SHARD_SNAPSHOT_STALL_US) {
        end_incoming(shard);
    }
}

void shard_release_transfers(struct shard *shard) {
    CHECK(shard->disk_jobs == 0);
    shard_drop_transfers(shard);
}
