/* What goes to other nodes at the turn's end. A PeerBatch is the concatenation of its parts, so one
 * grows at its end for each peer during the turn, and is sent once. Who has something to say
 * appends its own part: raft_mail.c, pairs.c, transfers.c, slow_trace.c, topology/control.c. */
#include "replica/mail/outbox.h"

#include "base/check.h"
#include "base/memory.h"
#include "replica/state/state.h"
#include "wire/peer_message.h"
#include "worker/worker.h"

enum {
    BATCH_KEPT_BYTES = 512 << 10, /* memory that a peer's batch keeps between turns, */
    BATCH_BUSY_BYTES = 8 << 20,   /* and while it is needed */
    BATCH_OVERHEAD_MAXIMUM = 512  /* the batch's own head, and one message's */
};

static void send_batch(struct worker *worker, uint32_t node) {
    struct buffer *batch = &worker->hosting->batches[node].bytes;
    if (batch->length == 0)
        return;
    CHECK(!batch->is_overflowed); /* outbox_to() saw to it */
    if (worker->io.net->peer_send(worker->io.net, node, buffer_bytes(batch)))
        worker_count(worker, METRIC_peer_sent_bytes_total, batch->length);
    buffer_reuse(batch, BATCH_KEPT_BYTES, BATCH_BUSY_BYTES);
}

static void make_batches(struct worker *worker, uint32_t node) {
    unsigned count = node + 1;
    worker->hosting->batches =
        memory_resize(worker->hosting->batches, count * sizeof *worker->hosting->batches);
    for (unsigned i = worker->hosting->batch_count; i < count; i++)
        buffer_init(&worker->hosting->batches[i].bytes, NET_PEER_MESSAGE_MAXIMUM);
    worker->hosting->batch_count = count;
}

/* A batch that says from whom to whom. False: the topology has no such node; a configuration may
 * name one that left. One that was removed is told so. */
static bool begin_batch(struct worker *worker, uint32_t node) {
    if (!topology_node(worker->topology, node) && !topology_was_removed(worker->topology, node))
        return false;
    if (node >= worker->hosting->batch_count)
        make_batches(worker, node);
    bool is_first_release = worker->config.peer_protocol_maximum == 1; /* it did not say so */
    struct peer_batch batch = {.cluster_id = bytes_of(worker->topology->cluster_id, 16),
                               .from = worker->self,
                               .to = node,
                               .protocol = (uint32_t)worker->config.peer_protocol_maximum,
                               .workers = worker->count};
    if (is_first_release)
        batch.protocol = batch.workers = 0;
    peer_batch_begin(&worker->hosting->batches[node].bytes, &batch);
    return true;
}

static size_t batch_bytes(const struct worker *worker, uint32_t node) {
    return node < worker->hosting->batch_count ? worker->hosting->batches[node].bytes.length : 0;
}

struct buffer *outbox_to(struct worker *worker, uint32_t node, size_t data_bytes) {
    size_t used = batch_bytes(worker, node);
    if (used && used + data_bytes > NET_PEER_MESSAGE_MAXIMUM - BATCH_OVERHEAD_MAXIMUM) {
        send_batch(worker, node);
        used = 0;
    }
    return used || begin_batch(worker, node) ? &worker->hosting->batches[node].bytes : NULL;
}

void outbox_flush(struct worker *worker) {
    for (unsigned node = 0; node < worker->hosting->batch_count; node++)
        send_batch(worker, node);
}

void outbox_release(struct worker *worker) {
    for (unsigned node = 0; node < worker->hosting->batch_count; node++)
        buffer_release(&worker->hosting->batches[node].bytes);
    memory_free(worker->hosting->batches);
}
