/* Snapshots between nodes: their messages in the batches of outbox.c, the rate at which this
 * node sends them, which all its workers share, and the turns in which a worker saves them. */
#include "replica/mail/transfers.h"

#include "replica/mail/outbox.h"
#include "replica/state/state.h"
#include "wire/peer_message.h"
#include "worker/worker.h"

/* What was not sent in so long may be sent at once. */
#define TRANSFER_BURST_US ((uint64_t)50 * 1000)

/* ---- out ---- */

void transfers_send_offer(void *context, struct shard *shard,
                          const struct shard_snapshot_offer *offer) {
    struct worker *worker = context;
    struct peer_snapshot_offer head = {.shard = shard_number(shard),
                                       .term = offer->term,
                                       .snapshot_index = offer->snapshot_index,
                                       .version = offer->version};
    struct buffer *batch = outbox_to(worker, offer->peer, offer->manifest.length);
    if (batch) {
        peer_snapshot_offer_append(batch, &head, offer->manifest.length);
        buffer_append_bytes(batch, offer->manifest);
    }
}

void transfers_send_piece(void *context, struct shard *shard,
                          const struct shard_snapshot_piece *piece) {
    struct worker *worker = context;
    struct peer_snapshot_piece head = {.shard = shard_number(shard),
                                       .term = piece->term,
                                       .snapshot_index = piece->snapshot_index,
                                       .version = piece->version,
                                       .chunk = piece->place.chunk,
                                       .offset = piece->place.offset};
    struct buffer *batch = outbox_to(worker, piece->peer, piece->data.length);
    if (batch) {
        peer_snapshot_piece_append(batch, &head, piece->data.length);
        buffer_append_bytes(batch, piece->data);
    }
}

void transfers_send_progress(void *context, struct shard *shard,
                             const struct shard_snapshot_progress *progress) {
    struct worker *worker = context;
    struct peer_snapshot_wish wishes[SHARD_SNAPSHOT_WISHES_MAXIMUM];
    for (unsigned i = 0; i < progress->wish_count; i++) {
        wishes[i] = (struct peer_snapshot_wish){.chunk = progress->wishes[i].chunk,
                                                .offset = progress->wishes[i].offset};
    }
    struct peer_snapshot_progress head = {.shard = shard_number(shard),
                                          .term = progress->term,
                                          .snapshot_index = progress->snapshot_index,
                                          .version = progress->version,
                                          .received_bytes = progress->received_bytes,
                                          .is_installed = progress->is_installed,
                                          .is_refused = progress->is_refused};
    struct buffer *batch = outbox_to(worker, progress->peer, 0);
    if (batch)
        peer_snapshot_progress_append(batch, &head, wishes, progress->wish_count);
}

/* ---- the rate ---- */

/* A bucket kept as the time at which it is empty again: the shared word is all there is of it, so
 * that workers need no lock. */
uint64_t transfers_admit_us(void *context, uint64_t bytes) {
    struct worker *worker = context;
    _Atomic uint64_t *shared = &worker->shared->transfer_paid_until_us;
    uint64_t now = worker_now_us(worker);
    uint64_t price_us =
        bytes * 1000000 / (uint64_t)worker->config.snapshot_transfer_bytes_per_second;
    uint64_t paid_until = atomic_load_explicit(shared, memory_order_relaxed);
    uint64_t next;
    do {
        if (paid_until > now)
            return paid_until;
        uint64_t oldest = now > TRANSFER_BURST_US ? now - TRANSFER_BURST_US : 0;
        next = (paid_until > oldest ? paid_until : oldest) + price_us;
    } while (!atomic_compare_exchange_weak_explicit(shared, &paid_until, next, memory_order_relaxed,
                                                    memory_order_relaxed));
    return 0;
}

/* However many shards take snapshots at a time, they take no more of the loop than one would. */
uint64_t transfers_next_turn_us(void *context) {
    struct worker *worker = context;
    uint64_t now = worker_now_us(worker),
             turn_us = (uint64_t)worker->config.snapshot_turn_ms * 1000;
    uint64_t last_us = worker->hosting->snapshot_turn_us;
    worker->hosting->snapshot_turn_us = (last_us > now ? last_us : now) + turn_us;
    return worker->hosting->snapshot_turn_us;
}

/* ---- in ---- */

/* The first releases did not say it. */
static uint32_t version_of(uint32_t version) { return version ? version : 1; }

void transfers_receive_offer(struct worker *worker, uint32_t from, struct bytes bytes) {
    struct peer_snapshot_offer in = peer_snapshot_offer_read(bytes);
    struct shard *shard = worker_shard(worker, in.shard);
    if (shard) {
        struct shard_snapshot_offer offer = {.peer = from,
                                             .version = version_of(in.version),
                                             .term = in.term,
                                             .snapshot_index = in.snapshot_index,
                                             .manifest = in.manifest};
        shard_offer(shard, &offer);
    }
}

void transfers_receive_piece(struct worker *worker, uint32_t from, struct bytes bytes) {
    struct peer_snapshot_piece in = peer_snapshot_piece_read(bytes);
    struct shard *shard = worker_shard(worker, in.shard);
    if (shard) {
        struct shard_snapshot_piece piece = {.peer = from,
                                             .version = version_of(in.version),
                                             .term = in.term,
                                             .snapshot_index = in.snapshot_index,
                                             .place = {.chunk = in.chunk, .offset = in.offset},
                                             .data = in.data};
        shard_piece(shard, &piece);
    }
}

void transfers_receive_progress(struct worker *worker, uint32_t from, struct bytes bytes) {
    struct peer_snapshot_progress in = peer_snapshot_progress_read(bytes);
    struct shard *shard = worker_shard(worker, in.shard);
    if (!shard)
        return;
    struct shard_snapshot_progress progress = {.peer = from,
                                               .version = version_of(in.version),
                                               .term = in.term,
                                               .snapshot_index = in.snapshot_index,
                                               .received_bytes = in.received_bytes,
                                               .is_installed = in.is_installed,
                                               .is_refused = in.is_refused};
    struct cursor wishes = cursor_of(in.bytes);
    struct peer_snapshot_wish wish;
    while (progress.wish_count < SHARD_SNAPSHOT_WISHES_MAXIMUM && peer_wish_next(&wishes, &wish)) {
        progress.wishes[progress.wish_count++] =
            (struct shard_snapshot_wish){.chunk = wish.chunk, .offset = wish.offset};
    }
    shard_progress(shard, &progress);
}
