/* What other nodes send: a batch goes to every worker that owns a shard of it, and each part of it
 * to whom it concerns. What they are sent is in mail/outbox.c. */
#include "replica/peers.h"

#include "base/check.h"
#include "base/cursor.h"
#include "replica/leads/neighbours.h"
#include "replica/mail/pairs.h"
#include "replica/mail/raft_mail.h"
#include "replica/mail/slow_trace.h"
#include "replica/mail/transfers.h"
#include "replica/topology/control.h"
#include "wire/peer_message.h"
#include "worker/worker.h"

/* The number, here or there, that says which worker a part is for: shard n is with worker n mod
 * their count. */
static uint32_t owner_of(enum peer_part part, struct bytes bytes) {
    switch (part) {
    case PEER_RAFT:
        return peer_raft_read(bytes).shard;
    case PEER_SNAPSHOT_OFFER:
        return peer_snapshot_offer_read(bytes).shard;
    case PEER_SNAPSHOT_PIECE:
        return peer_snapshot_piece_read(bytes).shard;
    case PEER_SNAPSHOT_PROGRESS:
        return peer_snapshot_progress_read(bytes).shard;
    case PEER_PAIR_HEARTBEAT:
        return peer_pair_heartbeat_read(bytes).to_worker;
    case PEER_PAIR_REPLY:
        return peer_pair_reply_read(bytes).to_worker;
    case PEER_ENTRY_TRACE:
        return peer_entry_trace_read(bytes).shard;
    }
    UNREACHABLE();
}

/* Every other worker that owns a shard of this batch gets it whole, and takes what is its own. */
static void forward(struct worker *worker, const struct peer_batch *batch) {
    uint64_t wanted = 0;
    struct cursor in = cursor_of(batch->bytes);
    enum peer_part part;
    struct bytes bytes;
    while (peer_batch_next(&in, &part, &bytes))
        wanted |= 1ULL << owner_of(part, bytes) % worker->count;
    for (unsigned i = 0; i < worker->count; i++) {
        if (i != worker->index && (wanted >> i & 1)) {
            struct mail *mail = mail_new(MAIL_PEER, worker->index);
            buffer_append_bytes(&mail->bytes, batch->bytes);
            worker_post(worker, i, mail);
        }
    }
}

/* Messages that are read before the first of them is acted upon: where many shards share a worker,
 * no cache has any of the next one's, so its memory is asked for while those before it are stepped.
 * It takes three steps, each of which knows where to look once the one before has its memory. */
enum { RAFT_GROUP_MESSAGES = 16 };
struct raft_group {
    struct peer_raft messages[RAFT_GROUP_MESSAGES];
    unsigned count;
};

static bool read_group(struct cursor *in, struct raft_group *group) {
    enum peer_part part;
    struct bytes bytes;
    group->count = 0;
    while (group->count < RAFT_GROUP_MESSAGES && peer_batch_next(in, &part, &bytes))
        if (part == PEER_RAFT)
            group->messages[group->count++] = peer_raft_read(bytes);
    return group->count > 0;
}

static void fetch(struct worker *worker, const struct raft_group *group, unsigned at,
                  void (*ask)(const struct shard *shard)) {
    struct shard *shard =
        at < group->count ? worker_shard(worker, group->messages[at].shard) : NULL;
    if (shard)
        ask(shard);
}

static void receive_group(struct worker *worker, uint32_t from, const struct raft_group *group) {
    fetch(worker, group, 0, shard_fetch);
    fetch(worker, group, 1, shard_fetch);
    fetch(worker, group, 2, shard_fetch);
    fetch(worker, group, 1, shard_fetch_behind);
    for (unsigned i = 0; i < group->count; i++) {
        fetch(worker, group, i + 3, shard_fetch);
        fetch(worker, group, i + 2, shard_fetch_behind);
        fetch(worker, group, i + 1, shard_fetch_last);
        raft_mail_receive(worker, from, &group->messages[i]);
    }
}

static void receive_all_raft(struct worker *worker, const struct peer_batch *batch) {
    struct cursor in = cursor_of(batch->bytes);
    struct raft_group group;
    while (read_group(&in, &group))
        receive_group(worker, batch->from, &group);
}

static void receive_other(struct worker *worker, uint32_t from, enum peer_part part,
                          struct bytes bytes) {
    switch (part) {
    case PEER_RAFT:
        return; /* dealt with */
    case PEER_PAIR_HEARTBEAT:
        pairs_receive_heartbeat(worker, from, bytes);
        return;
    case PEER_PAIR_REPLY:
        pairs_receive_reply(worker, from, bytes);
        return;
    case PEER_ENTRY_TRACE:
        slow_trace_receive(worker, bytes);
        return;
    case PEER_SNAPSHOT_OFFER:
        transfers_receive_offer(worker, from, bytes);
        return;
    case PEER_SNAPSHOT_PIECE:
        transfers_receive_piece(worker, from, bytes);
        return;
    case PEER_SNAPSHOT_PROGRESS:
        transfers_receive_progress(worker, from, bytes);
        return;
    }
}

/* What quiet shards say of themselves holds behind all of the batch's Raft messages. */
static void receive(struct worker *worker, const struct peer_batch *batch) {
    pairs_heard(worker, batch->from, batch->protocol ? batch->protocol : 1, batch->workers);
    if (batch->raft_count > 0)
        receive_all_raft(worker, batch);
    struct cursor in = cursor_of(batch->bytes);
    enum peer_part part;
    struct bytes bytes;
    while (batch->other_count > 0 && peer_batch_next(&in, &part, &bytes))
        receive_other(worker, batch->from, part, bytes);
    neighbours_contact(worker, batch->from);
}

static bool is_from_our_cluster(const struct worker *worker, const struct peer_batch *batch) {
    return worker->topology && batch->to == worker->self &&
           bytes_equal(batch->cluster_id, bytes_of(worker->topology->cluster_id, 16)) &&
           topology_node(worker->topology, batch->from);
}

int peers_receive(struct worker *worker, struct bytes bytes, bool is_forwarded) {
    struct peer_batch batch;
    int error = peer_batch_read(&batch, bytes);
    if (error)
        return error;
    if (!is_forwarded)
        worker_count(worker, METRIC_peer_received_bytes_total, bytes.length);
    if (batch.topology.length && !is_forwarded)
        control_topology_heard(worker, batch.topology, batch.founding);
    if (!is_from_our_cluster(worker, &batch))
        return worker->topology ? ERR_REFUSED : 0; /* a spare hears of its cluster soon */
    if (!is_forwarded && worker->count > 1)
        forward(worker, &batch);
    receive(worker, &batch);
    return 0;
}

int peers_take(struct worker *worker, struct bytes batch) {
    worker->turn_us = worker_now_us(worker);
    return peers_receive(worker, batch, false);
}

void peers_lost(struct worker *worker, uint32_t node_number) { pairs_lost(worker, node_number); }
