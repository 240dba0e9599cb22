/* Batches between nodes. A PeerBatch is the concatenation of its fields, so one grows at its end
 * for each peer during the turn, and is sent once at the turn's end. Entries are copied straight
 * from the log into the batch. */
#include "base/check.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "node/internal.h"
#include "wire/peer.pb-c.h"

/* Field numbers and wire types of proto/peer.proto, for what is written by hand. */
enum {
    TAG_CLUSTER_ID = 1 << 3 | 2,
    TAG_FROM = 2 << 3 | 0,
    TAG_TO = 3 << 3 | 0,
    TAG_RAFT = 4 << 3 | 2,
    TAG_TOPOLOGY = 7 << 3 | 2,
    TAG_FOUNDING = 8 << 3 | 2,
    TAG_PROTOCOL = 9 << 3 | 0,
    TAG_WORKERS = 10 << 3 | 0,
    TAG_PAIR_HEARTBEAT = 11 << 3 | 2,
    TAG_PAIR_REPLY = 12 << 3 | 2,
    TAG_RAFT_ENTRIES = 13 << 3 | 2,
    TAG_ENTRY_TRACE = 14 << 3 | 2,
    MESSAGE_HEAD_MAXIMUM = 256,
    BATCH_KEPT_BYTES = 512 << 10, /* memory that a busy peer's batch keeps between turns */
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
    buffer_recycle(batch, BATCH_KEPT_BYTES);
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
    struct buffer *batch = &worker->batches[node].bytes;
    buffer_append_varint(batch, TAG_CLUSTER_ID);
    buffer_append_length_prefixed(batch, bytes_of(worker->topology->cluster_id, 16));
    buffer_append_varint(batch, TAG_FROM);
    buffer_append_varint(batch, worker->self);
    buffer_append_varint(batch, TAG_TO);
    buffer_append_varint(batch, node);
    if (worker->config.peer_protocol_maximum > 1) { /* version 1 did not say so */
        buffer_append_varint(batch, TAG_PROTOCOL);
        buffer_append_varint(batch, (uint64_t)worker->config.peer_protocol_maximum);
        buffer_append_varint(batch, TAG_WORKERS);
        buffer_append_varint(batch, worker->count);
    }
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

void peers_append_message(struct buffer *batch, uint32_t tag, const ProtobufCMessage *head,
                          uint32_t data_tag, size_t data_bytes) {
    uint8_t packed[MESSAGE_HEAD_MAXIMUM];
    CHECK(protobuf_c_message_get_packed_size(head) <= sizeof(packed));
    size_t head_bytes = protobuf_c_message_pack(head, packed);
    size_t tail_bytes = 0;
    uint8_t tail[12];
    struct buffer tail_head;
    buffer_init(&tail_head, sizeof(tail));
    if (data_bytes) {
        buffer_append_varint(&tail_head, data_tag);
        buffer_append_varint(&tail_head, data_bytes);
        tail_bytes = tail_head.length;
        memcpy(tail, buffer_data(&tail_head), tail_bytes);
    }
    buffer_release(&tail_head);
    buffer_append_varint(batch, tag);
    buffer_append_varint(batch, head_bytes + tail_bytes + data_bytes);
    buffer_append(batch, packed, head_bytes);
    buffer_append(batch, tail, tail_bytes);
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
    Trothdb__Peer__V1__RaftMessage head = TROTHDB__PEER__V1__RAFT_MESSAGE__INIT;
    head.shard = shard_number(shard);
    head.kind = message->kind;
    head.term = message->term;
    head.log_index = message->log_index;
    head.log_term = message->log_term;
    head.commit_index = message->commit_index;
    head.is_rejected = message->is_rejected;
    head.is_forced = message->is_forced;
    head.is_full = message->is_full;
    head.conflict_index = message->conflict_index;
    head.conflict_term = message->conflict_term;
    head.context = message->context;
    head.read_round = message->read_round;
    head.patience_us = message->patience_us;
    head.is_receipt_wanted = message->is_receipt_wanted;
    head.agreed_index = message->agreed_index;
    head.is_quiet = message->is_quiet;
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
    peers_append_message(batch, TAG_RAFT, &head.base, TAG_RAFT_ENTRIES, data_bytes);
    buffer_append_bytes(batch, packed);
    for (size_t i = 0; i < message->entry_count && !packed.length; i++) {
        buffer_append_bytes(batch, raft_entry_bytes(message->entries[i]));
    }
}

void peers_send_pair_heartbeat(struct worker *worker, const struct pair_link *link,
                               const struct raft_pair_heartbeat *heartbeat) {
    Trothdb__Peer__V1__PairHeartbeat head = TROTHDB__PEER__V1__PAIR_HEARTBEAT__INIT;
    head.from_worker = link->from_worker;
    head.to_worker = link->to_worker;
    head.life = heartbeat->life;
    head.context = heartbeat->context;
    head.shard_count = heartbeat->quiet.count;
    head.shard_hash = heartbeat->quiet.hash;
    struct buffer *batch = peers_batch_to(worker, link->node, 0);
    if (batch) {
        peers_append_message(batch, TAG_PAIR_HEARTBEAT, &head.base, 0, 0);
    }
}

void peers_send_pair_reply(struct worker *worker, const struct pair_link *link,
                           const struct raft_pair_reply *reply) {
    Trothdb__Peer__V1__PairReply head = TROTHDB__PEER__V1__PAIR_REPLY__INIT;
    head.from_worker = link->from_worker;
    head.to_worker = link->to_worker;
    head.life = reply->life;
    head.context = reply->context;
    head.is_equal = reply->is_equal;
    head.promise_us = reply->promise_us;
    struct buffer *batch = peers_batch_to(worker, link->node, 0);
    if (batch) {
        peers_append_message(batch, TAG_PAIR_REPLY, &head.base, 0, 0);
    }
}

void peers_send_entry_trace(struct worker *worker, uint32_t node, const struct entry_trace *trace) {
    Trothdb__Peer__V1__EntryTrace head = TROTHDB__PEER__V1__ENTRY_TRACE__INIT;
    head.shard = trace->shard;
    head.term = trace->place.term;
    head.index = trace->place.index;
    head.trace = (ProtobufCBinaryData){.len = trace->id.length, .data = (uint8_t *)trace->id.data};
    struct buffer *batch = peers_batch_to(worker, node, 0);
    if (batch) {
        peers_append_message(batch, TAG_ENTRY_TRACE, &head.base, 0, 0);
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
        buffer_append_varint(batch, TAG_TOPOLOGY);
        buffer_append_length_prefixed(batch, buffer_bytes(&encoded));
    }
    if (batch && has_founding) {
        buffer_append_varint(batch, TAG_FOUNDING);
        buffer_append_length_prefixed(batch, buffer_bytes(&founding));
    }
    buffer_release(&founding);
    buffer_release(&encoded);
}

/* ---- in ---- */

static size_t decode_entries(struct bytes in, struct raft_entry ***out) {
    size_t count = 0, capacity = 0;
    struct raft_entry **entries = NULL;
    while (in.length && count < ENTRIES_PER_MESSAGE_MAXIMUM) {
        struct raft_entry *entry;
        if (raft_entry_decode(&in, &entry)) {
            break; /* what came whole before it can still be used: the leader sends the rest again
                    */
        }
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 4;
            entries = memory_resize(entries, capacity * sizeof(struct raft_entry *));
        }
        entries[count++] = entry;
    }
    *out = entries;
    return count;
}

static void receive_raft(struct worker *worker, uint32_t from,
                         const Trothdb__Peer__V1__RaftMessage *in) {
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
    struct bytes entries = bytes_of(in->entries.data, in->entries.len);
    if (in->unpacked_bytes &&
        packer_unpack(&worker->packer, entries, in->unpacked_bytes, &entries)) {
        return; /* as if it were lost: the leader sends it again */
    }
    message.entry_count = decode_entries(entries, &message.entries);
    observe_raft_message(worker, message.kind, false);
    shard_message(shard, &message);
    for (size_t i = 0; i < message.entry_count; i++) {
        raft_entry_drop(message.entries[i]);
    }
    memory_free(message.entries);
}

static void receive_pair_heartbeat(struct worker *worker, uint32_t from,
                                   const Trothdb__Peer__V1__PairHeartbeat *in) {
    struct pair_link link = {
        .node = from, .from_worker = in->from_worker, .to_worker = in->to_worker};
    struct raft_pair_heartbeat heartbeat = {
        .life = in->life,
        .context = in->context,
        .quiet = {.count = in->shard_count, .hash = in->shard_hash}};
    pairs_heartbeat(worker, &link, &heartbeat);
}

static void receive_pair_reply(struct worker *worker, uint32_t from,
                               const Trothdb__Peer__V1__PairReply *in) {
    struct pair_link link = {
        .node = from, .from_worker = in->from_worker, .to_worker = in->to_worker};
    struct raft_pair_reply reply = {.life = in->life,
                                    .context = in->context,
                                    .is_equal = in->is_equal,
                                    .promise_us = in->promise_us};
    pairs_reply(worker, &link, &reply);
}

static void receive_entry_trace(struct worker *worker, const Trothdb__Peer__V1__EntryTrace *in) {
    struct entry_trace trace = {.shard = in->shard,
                                .place = {.index = in->index, .term = in->term},
                                .id = bytes_of(in->trace.data, in->trace.len)};
    slow_trace_hear(worker, &trace);
}

/* Every other worker that owns a shard of this batch gets it whole, and takes what is its own. */
static void forward(struct worker *worker, const Trothdb__Peer__V1__PeerBatch *batch,
                    struct bytes bytes) {
    uint64_t wanted = 0;
    for (size_t i = 0; i < batch->n_raft; i++) {
        wanted |= 1ULL << batch->raft[i]->shard % worker->count;
    }
    for (size_t i = 0; i < batch->n_pair_heartbeats; i++) {
        wanted |= 1ULL << batch->pair_heartbeats[i]->to_worker % worker->count;
    }
    for (size_t i = 0; i < batch->n_pair_replies; i++) {
        wanted |= 1ULL << batch->pair_replies[i]->to_worker % worker->count;
    }
    for (size_t i = 0; i < batch->n_entry_traces; i++) {
        wanted |= 1ULL << batch->entry_traces[i]->shard % worker->count;
    }
    wanted |= transfers_workers(worker, batch);
    for (unsigned i = 0; i < worker->count; i++) {
        if (i != worker->index && (wanted >> i & 1)) {
            struct mail *mail = mail_new(MAIL_PEER, worker->index);
            buffer_append_bytes(&mail->bytes, bytes);
            worker_post(worker, i, mail);
        }
    }
}

static void receive(struct worker *worker, const Trothdb__Peer__V1__PeerBatch *batch) {
    pairs_heard(worker, batch->from, batch->protocol ? batch->protocol : 1, batch->workers);
    for (size_t i = 0; i < batch->n_raft; i++) {
        receive_raft(worker, batch->from, batch->raft[i]);
    }
    for (size_t i = 0; i < batch->n_pair_heartbeats; i++) {
        receive_pair_heartbeat(worker, batch->from, batch->pair_heartbeats[i]);
    }
    for (size_t i = 0; i < batch->n_pair_replies; i++) {
        receive_pair_reply(worker, batch->from, batch->pair_replies[i]);
    }
    for (size_t i = 0; i < batch->n_entry_traces; i++) {
        receive_entry_trace(worker, batch->entry_traces[i]);
    }
    transfers_receive(worker, batch);
    neighbours_contact(worker, batch->from);
}

static bool is_from_our_cluster(const struct worker *worker,
                                const Trothdb__Peer__V1__PeerBatch *batch) {
    return worker->topology && batch->to == worker->self &&
           bytes_equal(bytes_of(batch->cluster_id.data, batch->cluster_id.len),
                       bytes_of(worker->topology->cluster_id, 16)) &&
           topology_node(worker->topology, batch->from);
}

int peers_receive(struct worker *worker, struct bytes bytes, bool is_forwarded) {
    Trothdb__Peer__V1__PeerBatch *batch =
        trothdb__peer__v1__peer_batch__unpack(NULL, bytes.length, bytes.data);
    if (!batch) {
        return ERR_MALFORMED;
    }
    int error = 0;
    worker_count(worker, METRIC_peer_received_bytes_total, bytes.length);
    if (batch->topology.len && !is_forwarded) {
        control_topology_heard(worker, bytes_of(batch->topology.data, batch->topology.len),
                               bytes_of(batch->founding.data, batch->founding.len));
    }
    if (is_from_our_cluster(worker, batch)) {
        if (!is_forwarded && worker->count > 1) {
            forward(worker, batch, bytes);
        }
        receive(worker, batch);
    } else {
        error = worker->topology ? ERR_REFUSED : 0; /* a spare hears of its cluster soon */
    }
    trothdb__peer__v1__peer_batch__free_unpacked(batch, NULL);
    return error;
}

int worker_peer(struct worker *worker, struct bytes batch) {
    worker->turn_us = worker_now_us(worker);
    return peers_receive(worker, batch, false);
}

void worker_peer_lost(struct worker *worker, uint32_t node_number) {
    pairs_lost(worker, node_number);
}
