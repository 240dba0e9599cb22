#include "base/check.h"
#include "shard/internal.h"

/* Snapshots to followers that need what the log no longer has: pieces in order, a few in flight.
 * What gets lost is sent again from where the follower stands; a follower that is silent is given
 * up, and raft asks again once it is heard. */

static uint64_t now_us(const struct shard *shard) {
    return shard->io.clock->monotonic_us(shard->io.clock);
}

static size_t piece_bytes(const struct outgoing_snapshot *out) {
    size_t left = out->image.length - out->sent_bytes;
    return left < SHARD_SNAPSHOT_PIECE_BYTES ? left : SHARD_SNAPSHOT_PIECE_BYTES;
}

static void send_pieces(struct shard *shard, struct outgoing_snapshot *out) {
    uint64_t window = (uint64_t)SHARD_SNAPSHOT_PIECES_IN_FLIGHT * SHARD_SNAPSHOT_PIECE_BYTES;
    while (out->sent_bytes < out->image.length &&
           out->sent_bytes < out->acknowledged_bytes + window) {
        struct shard_snapshot_piece piece = {
            .peer = out->peer,
            .term = raft_current_term(shard->raft),
            .snapshot_index = out->index,
            .total_bytes = out->image.length,
            .offset = out->sent_bytes,
            .data = bytes_of(buffer_data(&out->image) + out->sent_bytes, piece_bytes(out))};
        shard->io.send_piece(shard->io.context, shard, &piece);
        out->sent_bytes += piece.data.length;
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

/* For one who is not there a snapshot would only be loaded, and the log after it held, in vain. */
static bool is_heard(const struct shard *shard, raft_node_number peer) {
    uint64_t heard_us = raft_peer_heard_us(shard->raft, peer);
    uint64_t timeout_us = (uint64_t)shard->io.config->election_timeout_ms * 1000;
    return heard_us && now_us(shard) <= heard_us + timeout_us;
}

static int load(struct shard *shard, struct outgoing_snapshot *out) {
    struct snapshot_meta meta;
    int error =
        snapshot_load(shard->io.disk, shard->number, shard->snapshot_index, &out->image, &meta);
    if (error) {
        log_line(shard->io.log, LOG_ERROR,
                 "snapshot cannot be read; another one is taken in its place",
                 LOG_F("shard", shard->number), LOG_F("index", shard->snapshot_index),
                 LOG_T("error", error_text(error)));
        shard_replace_snapshot(shard);
        return error;
    }
    out->index = meta.index;
    return 0;
}

void shard_send_snapshot(struct shard *shard, raft_node_number peer) {
    if (find_outgoing(shard, peer)) {
        return;
    }
    struct outgoing_snapshot *out = find_outgoing(shard, 0);
    if (!out || !is_heard(shard, peer) || load(shard, out)) {
        tell_raft_sent(shard, peer, 0, true);
        return;
    }
    out->peer = peer;
    out->sent_bytes = out->acknowledged_bytes = 0;
    out->heard_us = out->advanced_us = now_us(shard);
    log_line(shard->io.log, LOG_INFO, "snapshot transfer begun", LOG_F("shard", shard->number),
             LOG_F("peer", peer), LOG_F("index", out->index), LOG_F("bytes", out->image.length));
    send_pieces(shard, out);
}

void shard_progress(struct shard *shard, const struct shard_snapshot_progress *progress) {
    struct outgoing_snapshot *out = find_outgoing(shard, progress->peer);
    if (progress->peer == 0 || !out || out->index != progress->snapshot_index ||
        progress->term != raft_current_term(shard->raft) ||
        progress->received_bytes > out->image.length) {
        return;
    }
    out->heard_us = now_us(shard);
    if (progress->is_installed || progress->is_refused) {
        end_outgoing(shard, out, progress->is_refused);
        return;
    }
    if (progress->received_bytes != out->acknowledged_bytes) {
        bool has_begun_again = progress->received_bytes < out->acknowledged_bytes;
        out->acknowledged_bytes = progress->received_bytes;
        out->advanced_us = out->heard_us;
        if (has_begun_again || out->sent_bytes < out->acknowledged_bytes) {
            out->sent_bytes = out->acknowledged_bytes;
        }
    }
    send_pieces(shard, out);
}

/* Nothing new for a while: pieces may be lost. If all are there, the last one asks for a sign of
 * life while the follower makes them durable. */
static void send_again(struct shard *shard, struct outgoing_snapshot *out, uint64_t now) {
    size_t last = (out->image.length - 1) / SHARD_SNAPSHOT_PIECE_BYTES * SHARD_SNAPSHOT_PIECE_BYTES;
    out->sent_bytes = out->acknowledged_bytes < last ? out->acknowledged_bytes : last;
    out->advanced_us = now;
    send_pieces(shard, out);
}

void shard_tick_outgoing(struct shard *shard, uint64_t now) {
    for (unsigned i = 0; i < RAFT_VOTER_MAXIMUM; i++) {
        struct outgoing_snapshot *out = &shard->outgoing[i];
        if (out->peer && now > out->heard_us + SHARD_SNAPSHOT_STALL_US) {
            end_outgoing(shard, out, true);
        } else if (out->peer && now >= out->advanced_us + SHARD_SNAPSHOT_AGAIN_US) {
            send_again(shard, out, now);
        }
    }
}

/* No longer leader: whoever leads now sends what is needed. */
void shard_drop_outgoing(struct shard *shard) {
    for (unsigned i = 0; i < RAFT_VOTER_MAXIMUM; i++) {
        if (shard->outgoing[i].peer) {
            buffer_release(&shard->outgoing[i].image);
            shard->outgoing[i].peer = 0;
        }
    }
}
