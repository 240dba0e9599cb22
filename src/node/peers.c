/* Batches between nodes. A PeerBatch is the concatenation of its fields, so one grows at its end
 * for each peer during the turn, and is sent once at the turn's end. Entries are copied straight
 * from the log into the batch. */
#include "base/check.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "node/internal.h"
#include "wire/peer_message.h"

enum {
    BATCH_KEPT_BYTES = 512 << 10, /* memory that a peer's batch keeps between turns, */
    BATCH_BUSY_BYTES = 8 << 20,   /* and while it is needed */
    BATCH_OVERHEAD_MAXIMUM = 512, /* the batch's own head, and one message's */
    ENTRIES_PER_MESSAGE_MAXIMUM = 65536,
    PROTOCOL_WITH_PACKED_ENTRIES = 2
};

/* ---- out ---- */

static void send_batch(struct worker *worker, uint32_t node) {
    struct buffer *batch = &worker->batches[node].bytes;
    if (batch->length == 0) {
        return;
    }
    CHECK(!batch->is_overflowed); /* peers_batch_to() saw to it */
    if (worker->io.net->peer_send(worker->io.net, node, buffer_bytes(batch))) {
        worker_count(worker, METRIC_peer_sent_bytes_total, batch->length);
    }
    buffer_reuse(batch, BATCH_KEPT_BYTES, BATCH_BUSY_BYTES);
}

static void make_batches(struct worker *worker, uint32_t node) {
    unsigned count = node + 1;
    worker->batches = memory_resize(worker->batches, count * sizeof(*worker->batches));
    for (unsigned i = worker->batch_count; i < count; i++) {
        buffer_init(&worker->batches[i].bytes, NET_PEER_MESSAGE_MAXIMUM);
    }
    worker->batch_count = count;
}

/* A batch that says from whom to whom. False: the topology has no such node; a configuration may
 * name one that left. One that was removed is told so. */
static bool begin_batch(struct worker *worker, uint32_t node) {
    if (!topology_node(worker->topology, node) && !topology_was_removed(worker->topology, node)) {
        return false;
    }
    if (node >= worker->batch_count) {
        make_batches(worker, node);
    }
    bool is_first_release = worker->config.peer_protocol_maximum == 1; /* it did not say so */
    struct peer_batch batch = {.cluster_id = bytes_of(worker->topology->cluster_id, 16),
                               .from = worker->self,
                               .to = node,
                               .protocol = (uint32_t)worker->config.peer_protocol_maximum,
                               .workers = worker->count};
    if (is_first_release) {
        batch.protocol = batch.workers = 0;
    }
    peer_batch_begin(&worker->batches[node].bytes, &batch);
    return true;
}

static size_t batch_bytes(const struct worker *worker, uint32_t node) {
    return node < worker->batch_count ? worker->batches[node].bytes.length : 0;
}

struct buffer *peers_batch_to(struct worker *worker, uint32_t node, size_t data_bytes) {
    size_t used = batch_bytes(worker, node);
    if (used && used + data_bytes > NET_PEER_MESSAGE_MAXIMUM - BATCH_OVERHEAD_MAXIMUM) {
        send_batch(worker, node);
        used = 0;
    }
    return used || begin_batch(worker, node) ? &worker->batches[node].bytes : NULL;
}

void peers_flush(struct worker *worker) {
    for (unsigned node = 0; node < worker->batch_count; node++) {
        send_batch(worker, node);
    }
}

void peers_release(struct worker *worker) {
    for (unsigned node = 0; node < worker->batch_count; node++) {
        buffer_release(&worker->batches[node].bytes);
    }
    memory_free(worker->batches);
}

/* Empty where the entries go as they are. */
static struct bytes pack(struct worker *worker, uint32_t shard, const struct raft_message *message,
                         size_t entry_bytes) {
    uint64_t least_bytes = (uint64_t)worker->config.append_compress_min_bytes;
    if (least_bytes == 0 || entry_bytes < least_bytes || entry_bytes == 0 ||
        pairs_protocol(worker, message->to) < PROTOCOL_WITH_PACKED_ENTRIES) {
        return BYTES_NONE;
    }
    struct bytes packed = packer_pack(&worker->packer, shard, message, entry_bytes);
    if (packed.length) {
        observe_packed(worker, entry_bytes, packed.length);
    }
    return packed;
}

void peers_send_raft(void *context, struct shard *shard, const struct raft_message *message) {
    struct worker *worker = context;
    observe_raft_message(worker, message->kind, true);
    struct peer_raft head = {.shard = shard_number(shard),
                             .kind = message->kind,
                             .term = message->term,
                             .log_index = message->log_index,
                             .log_term = message->log_term,
                             .commit_index = message->commit_index,
                             .is_rejected = message->is_rejected,
                             .is_forced = message->is_forced,
                             .is_full = message->is_full,
                             .conflict_index = message->conflict_index,
                             .conflict_term = message->conflict_term,
                             .context = message->context,
                             .read_round = message->read_round,
                             .patience_us = message->patience_us,
                             .is_receipt_wanted = message->is_receipt_wanted,
                             .agreed_index = message->agreed_index,
                             .is_quiet = message->is_quiet};
    size_t entry_bytes = 0;
    for (size_t i = 0; i < message->entry_count; i++) {
        entry_bytes += message->entries[i]->length;
    }
    struct bytes packed = pack(worker, head.shard, message, entry_bytes);
    head.unpacked_bytes = packed.length ? (uint32_t)entry_bytes : 0;
    size_t data_bytes = packed.length ? packed.length : entry_bytes;
    struct buffer *batch = peers_batch_to(worker, message->to, data_bytes);
    if (!batch) {
        return;
    }
    peer_raft_append(batch, &head, data_bytes);
    buffer_append_bytes(batch, packed);
    for (size_t i = 0; i < message->entry_count && !packed.length; i++) {
        buffer_append_bytes(batch, raft_entry_bytes(message->entries[i]));
    }
}

void peers_send_pair_heartbeat(struct worker *worker, const struct pair_link *link,
                               const struct raft_pair_heartbeat *heartbeat) {
    struct peer_pair_heartbeat head = {.from_worker = link->from_worker,
                                       .to_worker = link->to_worker,
                                       .life = heartbeat->life,
                                       .context = heartbeat->context,
                                       .shard_count = heartbeat->quiet.count,
                                       .shard_hash = heartbeat->quiet.hash};
    struct buffer *batch = peers_batch_to(worker, link->node, 0);
    if (batch) {
        peer_pair_heartbeat_append(batch, &head);
    }
}

void peers_send_pair_reply(struct worker *worker, const struct pair_link *link,
                           const struct raft_pair_reply *reply) {
    struct peer_pair_reply head = {.from_worker = link->from_worker,
                                   .to_worker = link->to_worker,
                                   .life = reply->life,
                                   .context = reply->context,
                                   .is_equal = reply->is_equal,
                                   .promise_us = reply->promise_us};
    struct buffer *batch = peers_batch_to(worker, link->node, 0);
    if (batch) {
        peer_pair_reply_append(batch, &head);
    }
}

void peers_send_entry_trace(struct worker *worker, uint32_t node, const struct entry_trace *trace) {
    struct peer_entry_trace head = {
        .shard = trace->shard, .term = trace->place.term, .index = trace->place.index};
    struct buffer *batch = peers_batch_to(worker, node, trace->id.length);
    if (batch) {
        peer_entry_trace_append(batch, &head, trace->id.length);
        buffer_append_bytes(batch, trace->id);
    }
}

void peers_send_topology(struct worker *worker, uint32_t node_number, bool has_founding) {
    struct buffer encoded, founding;
    buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
    buffer_init(&founding, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(worker->topology, &encoded);
    if (has_founding) {
        topology_encode(worker->founding, &founding);
    }
    struct buffer *batch = peers_batch_to(worker, node_number, encoded.length + founding.length);
    if (batch) {
        peer_batch_append_topology(batch, buffer_bytes(&encoded), buffer_bytes(&founding));
    }
    buffer_release(&founding);
    buffer_release(&encoded);
}

/* ---- in ---- */

/* The entries of one message. Most have one or a few. */
struct entry_list {
    struct raft_entry **entries;
    size_t count, capacity;
    struct raft_entry *few[8];
};

static void decode_entries(struct bytes in, struct entry_list *list) {
    list->entries = list->few;
    list->count = 0;
    list->capacity = sizeof(list->few) / sizeof(list->few[0]);
    while (in.length && list->count < ENTRIES_PER_MESSAGE_MAXIMUM) {
        struct raft_entry *entry;
        if (raft_entry_decode(&in, &entry)) {
            return; /* what came whole before it can still be used: the leader sends the rest
                     * again */
        }
        if (list->count == list->capacity) {
            list->capacity *= 2;
            struct raft_entry **more = memory_allocate(list->capacity * sizeof(*more));
            memcpy(more, list->entries, list->count * sizeof(*more));
            memory_free(list->entries == list->few ? NULL : list->entries);
            list->entries = more;
        }
        list->entries[list->count++] = entry;
    }
}

static void drop_entries(struct entry_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        raft_entry_drop(list->entries[i]);
    }
    memory_free(list->entries == list->few ? NULL : list->entries);
}

static void receive_raft(struct worker *worker, uint32_t from, const struct peer_raft *in) {
    struct shard *shard = worker_shard(worker, in->shard);
    if (!shard || in->kind >= RAFT_MESSAGE_KIND_COUNT) {
        return;
    }
    struct raft_message message = {.kind = (enum raft_message_kind)in->kind,
                                   .from = from,
                                   .to = worker->self,
                                   .term = in->term,
                                   .log_index = in->log_index,
                                   .log_term = in->log_term,
                                   .commit_index = in->commit_index,
                                   .is_rejected = in->is_rejected,
                                   .is_forced = in->is_forced,
                                   .is_full = in->is_full,
                                   .conflict_index = in->conflict_index,
                                   .conflict_term = in->conflict_term,
                                   .context = in->context,
                                   .read_round = in->read_round,
                                   .patience_us = in->patience_us,
                                   .is_receipt_wanted = in->is_receipt_wanted,
                                   .agreed_index = in->agreed_index,
                                   .is_quiet = in->is_quiet};
    struct bytes encoded = in->entries;
    if (in->unpacked_bytes &&
        packer_unpack(&worker->packer, encoded, in->unpacked_bytes, &encoded)) {
        return; /* as if it were lost: the leader sends it again */
    }
    struct entry_list list;
    decode_entries(encoded, &list);
    message.entries = list.entries;
    message.entry_count = list.count;
    observe_raft_message(worker, message.kind, false);
    shard_message(shard, &message);
    drop_entries(&list);
}

static void receive_pair_heartbeat(struct worker *worker, uint32_t from,
                                   const struct peer_pair_heartbeat *in) {
    struct pair_link link = {
        .node = from, .from_worker = in->from_worker, .to_worker = in->to_worker};
    struct raft_pair_heartbeat heartbeat = {
        .life = in->life,
        .context = in->context,
        .quiet = {.count = in->shard_count, .hash = in->shard_hash}};
    pairs_heartbeat(worker, &link, &heartbeat);
}

static void receive_pair_reply(struct worker *worker, uint32_t from,
                               const struct peer_pair_reply *in) {
    struct pair_link link = {
        .node = from, .from_worker = in->from_worker, .to_worker = in->to_worker};
    struct raft_pair_reply reply = {.life = in->life,
                                    .context = in->context,
                                    .is_equal = in->is_equal,
                                    .promise_us = in->promise_us};
    pairs_reply(worker, &link, &reply);
}

static void receive_entry_trace(struct worker *worker, const struct peer_entry_trace *in) {
    struct entry_trace trace = {
        .shard = in->shard, .place = {.index = in->index, .term = in->term}, .id = in->trace};
    slow_trace_hear(worker, &trace);
}

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
    while (peer_batch_next(&in, &part, &bytes)) {
        wanted |= 1ULL << owner_of(part, bytes) % worker->count;
    }
    for (unsigned i = 0; i < worker->count; i++) {
        if (i != worker->index && (wanted >> i & 1)) {
            struct mail *mail = mail_new(MAIL_PEER, worker->index);
            buffer_append_bytes(&mail->bytes, batch->bytes);
            worker_post(worker, i, mail);
        }
    }
}

static void receive_all_raft(struct worker *worker, const struct peer_batch *batch) {
    struct cursor in = cursor_of(batch->bytes);
    enum peer_part part;
    struct bytes bytes;
    while (peer_batch_next(&in, &part, &bytes)) {
        if (part == PEER_RAFT) {
            struct peer_raft message = peer_raft_read(bytes);
            receive_raft(worker, batch->from, &message);
        }
    }
}

static void receive_other(struct worker *worker, uint32_t from, enum peer_part part,
                          struct bytes bytes) {
    switch (part) {
    case PEER_RAFT:
        return; /* dealt with */
    case PEER_PAIR_HEARTBEAT: {
        struct peer_pair_heartbeat heartbeat = peer_pair_heartbeat_read(bytes);
        receive_pair_heartbeat(worker, from, &heartbeat);
        return;
    }
    case PEER_PAIR_REPLY: {
        struct peer_pair_reply reply = peer_pair_reply_read(bytes);
        receive_pair_reply(worker, from, &reply);
        return;
    }
    case PEER_ENTRY_TRACE: {
        struct peer_entry_trace trace = peer_entry_trace_read(bytes);
        receive_entry_trace(worker, &trace);
        return;
    }
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
    if (batch->raft_count > 0) {
        receive_all_raft(worker, batch);
    }
    struct cursor in = cursor_of(batch->bytes);
    enum peer_part part;
    struct bytes bytes;
    while (batch->other_count > 0 && peer_batch_next(&in, &part, &bytes)) {
        receive_other(worker, batch->from, part, bytes);
    }
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
    if (error) {
        return error;
    }
    worker_count(worker, METRIC_peer_received_bytes_total, bytes.length);
    if (batch.topology.length && !is_forwarded) {
        control_topology_heard(worker, batch.topology, batch.founding);
    }
    if (!is_from_our_cluster(worker, &batch)) {
        return worker->topology ? ERR_REFUSED : 0; /* a spare hears of its cluster soon */
    }
    if (!is_forwarded && worker->count > 1) {
        forward(worker, &batch);
    }
    receive(worker, &batch);
    return 0;
}

int worker_peer(struct worker *worker, struct bytes batch) {
    worker->turn_us = worker_now_us(worker);
    return peers_receive(worker, batch, false);
}

void worker_peer_lost(struct worker *worker, uint32_t node_number) {
    pairs_lost(worker, node_number);
}
