/* Snapshots between nodes: their messages in the batches of peers.c, the rate at which this
 * node sends them, which all its workers share, and the turns in which a worker saves them. */
#include "node/internal.h"
#include "wire/peer.pb-c.h"

enum {
    TAG_PIECE = 5 << 3 | 2,
    TAG_PROGRESS = 6 << 3 | 2,
    TAG_OFFER = 13 << 3 | 2,
    TAG_OFFER_MANIFEST = 4 << 3 | 2,
    TAG_PIECE_DATA = 6 << 3 | 2,
};
/* What was not sent in so long may be sent at once. */
#define TRANSFER_BURST_US ((uint64_t)50 * 1000)

/* ---- out ---- */

void transfers_send_offer(void *context, struct shard *shard,
                          const struct shard_snapshot_offer *offer) {
    struct worker *worker = context;
    Trothdb__Peer__V1__SnapshotOffer head = TROTHDB__PEER__V1__SNAPSHOT_OFFER__INIT;
    head.shard = shard_number(shard);
    head.term = offer->term;
    head.snapshot_index = offer->snapshot_index;
    head.version = offer->version;
    struct buffer *batch = peers_batch_to(worker, offer->peer, offer->manifest.length);
    if (batch) {
        peers_append_message(batch, TAG_OFFER, &head.base, TAG_OFFER_MANIFEST,
                             offer->manifest.length);
        buffer_append_bytes(batch, offer->manifest);
    }
}

void transfers_send_piece(void *context, struct shard *shard,
                          const struct shard_snapshot_piece *piece) {
    struct worker *worker = context;
    Trothdb__Peer__V1__SnapshotPiece head = TROTHDB__PEER__V1__SNAPSHOT_PIECE__INIT;
    head.shard = shard_number(shard);
    head.term = piece->term;
    head.snapshot_index = piece->snapshot_index;
    head.version = piece->version;
    head.chunk = piece->place.chunk;
    head.offset = piece->place.offset;
    struct buffer *batch = peers_batch_to(worker, piece->peer, piece->data.length);
    if (batch) {
        peers_append_message(batch, TAG_PIECE, &head.base, TAG_PIECE_DATA, piece->data.length);
        buffer_append_bytes(batch, piece->data);
    }
}

void transfers_send_progress(void *context, struct shard *shard,
                             const struct shard_snapshot_progress *progress) {
    struct worker *worker = context;
    Trothdb__Peer__V1__SnapshotWish wishes[SHARD_SNAPSHOT_WISHES_MAXIMUM],
        *wish_list[SHARD_SNAPSHOT_WISHES_MAXIMUM];
    for (unsigned i = 0; i < progress->wish_count; i++) {
        wishes[i] = (Trothdb__Peer__V1__SnapshotWish)TROTHDB__PEER__V1__SNAPSHOT_WISH__INIT;
        wishes[i].chunk = progress->wishes[i].chunk;
        wishes[i].offset = progress->wishes[i].offset;
        wish_list[i] = &wishes[i];
    }
    Trothdb__Peer__V1__SnapshotProgress head = TROTHDB__PEER__V1__SNAPSHOT_PROGRESS__INIT;
    head.shard = shard_number(shard);
    head.term = progress->term;
    head.snapshot_index = progress->snapshot_index;
    head.version = progress->version;
    head.received_bytes = progress->received_bytes;
    head.is_installed = progress->is_installed;
    head.is_refused = progress->is_refused;
    head.wishes = wish_list;
    head.n_wishes = progress->wish_count;
    struct buffer *batch = peers_batch_to(worker, progress->peer, 0);
    if (batch) {
        peers_append_message(batch, TAG_PROGRESS, &head.base, 0, 0);
    }
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
        if (paid_until > now) {
            return paid_until;
        }
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
    uint64_t last_us = worker->snapshot_turn_us;
    worker->snapshot_turn_us = (last_us > now ? last_us : now) + turn_us;
    return worker->snapshot_turn_us;
}

/* ---- in ---- */

/* The first releases did not say it. */
static uint32_t version_of(uint32_t version) { return version ? version : 1; }

static void receive_offer(struct worker *worker, uint32_t from,
                          const Trothdb__Peer__V1__SnapshotOffer *in) {
    struct shard *shard = worker_shard(worker, in->shard);
    if (shard) {
        struct shard_snapshot_offer offer = {.peer = from,
                                             .version = version_of(in->version),
                                             .term = in->term,
                                             .snapshot_index = in->snapshot_index,
                                             .manifest =
                                                 bytes_of(in->manifest.data, in->manifest.len)};
        shard_offer(shard, &offer);
    }
}

static void receive_piece(struct worker *worker, uint32_t from,
                          const Trothdb__Peer__V1__SnapshotPiece *in) {
    struct shard *shard = worker_shard(worker, in->shard);
    if (shard) {
        struct shard_snapshot_piece piece = {.peer = from,
                                             .version = version_of(in->version),
                                             .term = in->term,
                                             .snapshot_index = in->snapshot_index,
                                             .place = {.chunk = in->chunk, .offset = in->offset},
                                             .data = bytes_of(in->data.data, in->data.len)};
        shard_piece(shard, &piece);
    }
}

static void receive_progress(struct worker *worker, uint32_t from,
                             const Trothdb__Peer__V1__SnapshotProgress *in) {
    struct shard *shard = worker_shard(worker, in->shard);
    if (!shard) {
        return;
    }
    struct shard_snapshot_progress progress = {.peer = from,
                                               .version = version_of(in->version),
                                               .term = in->term,
                                               .snapshot_index = in->snapshot_index,
                                               .received_bytes = in->received_bytes,
                                               .is_installed = in->is_installed,
                                               .is_refused = in->is_refused};
    for (size_t i = 0; i < in->n_wishes && i < SHARD_SNAPSHOT_WISHES_MAXIMUM; i++) {
        progress.wishes[progress.wish_count++] = (struct shard_snapshot_wish){
            .chunk = in->wishes[i]->chunk, .offset = in->wishes[i]->offset};
    }
    shard_progress(shard, &progress);
}

uint64_t transfers_workers(const struct worker *worker, const Trothdb__Peer__V1__PeerBatch *batch) {
    uint64_t wanted = 0;
    for (size_t i = 0; i < batch->n_snapshot_offers; i++) {
        wanted |= 1ULL << batch->snapshot_offers[i]->shard % worker->count;
    }
    for (size_t i = 0; i < batch->n_snapshot_pieces; i++) {
        wanted |= 1ULL << batch->snapshot_pieces[i]->shard % worker->count;
    }
    for (size_t i = 0; i < batch->n_snapshot_progress; i++) {
        wanted |= 1ULL << batch->snapshot_progress[i]->shard % worker->count;
    }
    return wanted;
}

void transfers_receive(struct worker *worker, const Trothdb__Peer__V1__PeerBatch *batch) {
    for (size_t i = 0; i < batch->n_snapshot_offers; i++) {
        receive_offer(worker, batch->from, batch->snapshot_offers[i]);
    }
    for (size_t i = 0; i < batch->n_snapshot_pieces; i++) {
        receive_piece(worker, batch->from, batch->snapshot_pieces[i]);
    }
    for (size_t i = 0; i < batch->n_snapshot_progress; i++) {
        receive_progress(worker, batch->from, batch->snapshot_progress[i]);
    }
}
