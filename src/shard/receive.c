#include "base/check.h"
#include "shard/internal.h"

/* A snapshot from the leader. What came whole is loaded into a second machine, so that nothing is
 * given up for a state that cannot be read; then it is made durable, file before mark; then the
 * machine takes the place of the one that was here.
 *
 *   NONE -- first piece --> RECEIVING -- last piece, loaded --> SAVING -- file durable --> MARKING
 *                                                            -- mark durable, in place --> NONE */

static uint64_t now_us(const struct shard *shard) {
    return shard->io.clock->monotonic_us(shard->io.clock);
}

static void tell(struct shard *shard, bool is_installed, bool is_refused) {
    const struct incoming_snapshot *in = &shard->incoming;
    bool is_whole = in->stage != INCOMING_RECEIVING;
    struct shard_snapshot_progress progress = {.peer = in->from,
                                               .term = in->leader_term,
                                               .snapshot_index = in->index,
                                               .received_bytes =
                                                   is_whole ? in->total_bytes : in->image.length,
                                               .is_installed = is_installed,
                                               .is_refused = is_refused};
    shard->io.send_progress(shard->io.context, shard, &progress);
}

static void tell_no_news(struct shard *shard, const struct shard_snapshot_piece *piece) {
    struct shard_snapshot_progress progress = {.peer = piece->peer,
                                               .term = piece->term,
                                               .snapshot_index = piece->snapshot_index,
                                               .received_bytes = piece->total_bytes,
                                               .is_installed = true};
    shard->io.send_progress(shard->io.context, shard, &progress);
}

static void end_incoming(struct shard *shard) {
    struct incoming_snapshot *in = &shard->incoming;
    buffer_release(&in->image);
    buffer_init(&in->image, SHARD_SNAPSHOT_IMAGE_MAXIMUM);
    if (in->machine) {
        in->machine->ops->free(in->machine);
        in->machine = NULL;
    }
    in->stage = INCOMING_NONE;
}

static void saved(void *context, int status) {
    struct shard *shard = context;
    struct incoming_snapshot *in = &shard->incoming;
    shard_touch(shard);
    shard->disk_jobs--;
    if (status) {
        log_line(shard->io.log, LOG_ERROR, "received snapshot not written",
                 LOG_F("shard", shard->number), LOG_T("error", error_text(status)));
        tell(shard, false, true);
        end_incoming(shard);
        return;
    }
    in->stage = INCOMING_MARKING;
    in->mark_sequence =
        wal_append_snapshot(shard->io.wal, shard->number, in->meta.index, in->meta.term);
}

static int load(struct shard *shard) {
    struct incoming_snapshot *in = &shard->incoming;
    in->machine = shard->machine->ops->make_empty(shard->machine);
    int error = shard_fill_machine(in->machine, buffer_bytes(&in->image), &in->meta);
    if (error) {
        return error;
    }
    if (in->meta.shard != shard->number || in->meta.index != in->index || in->meta.term == 0 ||
        in->meta.term > in->leader_term) {
        return ERR_MALFORMED;
    }
    return shard_configuration_of(shard, &in->meta, &in->configuration);
}

static void received_whole(struct shard *shard) {
    struct incoming_snapshot *in = &shard->incoming;
    int error = load(shard);
    if (error) {
        log_line(shard->io.log, LOG_WARN, "received snapshot refused",
                 LOG_F("shard", shard->number), LOG_F("peer", in->from), LOG_F("index", in->index),
                 LOG_T("error", error_text(error)));
        tell(shard, false, true);
        end_incoming(shard);
        return;
    }
    in->stage = INCOMING_SAVING;
    shard->disk_jobs++;
    snapshot_save(shard->io.disk, shard->number, in->meta.index, &in->image, saved, shard);
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

static bool is_of_this(const struct incoming_snapshot *in,
                       const struct shard_snapshot_piece *piece) {
    return in->stage != INCOMING_NONE && in->index == piece->snapshot_index &&
           in->from == piece->peer && in->leader_term == piece->term &&
           in->total_bytes == piece->total_bytes;
}

static void take_piece(struct shard *shard, const struct shard_snapshot_piece *piece) {
    struct incoming_snapshot *in = &shard->incoming;
    in->heard_us = now_us(shard);
    shard_touch(shard);
    if (piece->offset == in->image.length &&
        piece->data.length <= in->total_bytes - in->image.length) {
        buffer_append_bytes(&in->image, piece->data);
    }
    if (in->image.length == in->total_bytes) {
        received_whole(shard);
    } else {
        tell(shard, false, false);
    }
}

void shard_piece(struct shard *shard, const struct shard_snapshot_piece *piece) {
    struct incoming_snapshot *in = &shard->incoming;
    if (piece->term != raft_current_term(shard->raft) || piece->peer != raft_leader(shard->raft) ||
        shard_is_leader(shard) || piece->total_bytes > SHARD_SNAPSHOT_IMAGE_MAXIMUM ||
        piece->total_bytes == 0) {
        return;
    }
    if (piece->snapshot_index <= raft_commit_index(shard->raft)) {
        tell_no_news(shard, piece);
        return;
    }
    if (in->stage == INCOMING_SAVING || in->stage == INCOMING_MARKING) {
        if (is_of_this(in, piece)) {
            tell(shard, false, false); /* still at it */
        }
        return;
    }
    if (shard->own.stage != OWN_NONE) {
        return;
    }
    if (!is_of_this(in, piece)) {
        begin_incoming(shard, piece);
    }
    take_piece(shard, piece);
}

static void put_in_place(struct shard *shard) {
    struct incoming_snapshot *in = &shard->incoming;
    shard->machine->ops->free(shard->machine);
    shard->machine = in->machine;
    in->machine = NULL;
    shard_stand_at(shard, &in->meta);
    shard_give_up_held(shard);
    shard_forget_covered(shard, in->meta.index);
    metric_add(shard->cells.snapshots_installed, 1);
    log_line(shard->io.log, LOG_INFO, "snapshot installed", LOG_F("shard", shard->number),
             LOG_F("index", in->meta.index), LOG_F("term", in->meta.term));
    struct raft_event event = {.kind = RAFT_SNAPSHOT_INSTALLED,
                               .snapshot_index = in->meta.index,
                               .snapshot_term = in->meta.term,
                               .configuration = &in->configuration};
    shard_step(shard, &event);
    shard->io.applied(shard->io.context, shard);
}

/* File and mark are durable. By now a new leader may have sent the entries that the snapshot
 * covers: then it lets them go, as one taken here would. */
void shard_incoming_durable(struct shard *shard, uint64_t wal_sequence) {
    struct incoming_snapshot *in = &shard->incoming;
    if (in->stage != INCOMING_MARKING || in->mark_sequence > wal_sequence) {
        return;
    }
    wal_release(shard->io.wal, shard->number, in->meta.index);
    snapshot_remove_older(shard->io.disk, shard->number, in->meta.index);
    if (in->meta.index > raft_commit_index(shard->raft)) {
        put_in_place(shard);
    } else {
        shard->snapshot_index = in->meta.index;
        struct raft_event event = {
            .kind = RAFT_COMPACT, .snapshot_index = in->meta.index, .snapshot_term = in->meta.term};
        shard_step(shard, &event);
    }
    tell(shard, true, false);
    end_incoming(shard);
}

void shard_tick_incoming(struct shard *shard, uint64_t now) {
    if (shard->incoming.stage == INCOMING_RECEIVING &&
        now > shard->incoming.heard_us + 2 * SHARD_SNAPSHOT_STALL_US) {
        end_incoming(shard);
    }
}

void shard_release_incoming(struct shard *shard) {
    CHECK(shard->disk_jobs == 0);
    end_incoming(shard);
    buffer_release(&shard->incoming.image);
}
