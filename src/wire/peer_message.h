/* A PeerBatch of proto/peer.proto and its parts, as plain structs (docs/format/peer.md). The names
 * are those of the .proto file. What is read borrows its bytes from the batch; what is written ends
 * with its bytes, which the caller appends. */
#pragma once
#include "wire/protobuf.h"

/* What stands in a batch as often as needed, by its field number there. */
enum peer_part {
    PEER_RAFT = 4,
    PEER_SNAPSHOT_PIECE = 5,
    PEER_SNAPSHOT_PROGRESS = 6,
    PEER_PAIR_HEARTBEAT = 11,
    PEER_PAIR_REPLY = 12,
    PEER_SNAPSHOT_OFFER = 13,
    PEER_ENTRY_TRACE = 14
};

struct peer_batch {
    struct bytes cluster_id, topology, founding;
    uint32_t from, to, protocol, workers;
    size_t raft_count, other_count; /* of its parts */
    struct bytes bytes;             /* all of it, for peer_batch_next() */
};

struct peer_raft {
    uint64_t term, log_index, log_term, commit_index, conflict_index, conflict_term;
    uint64_t context, read_round, agreed_index;
    uint32_t shard, kind, unpacked_bytes, patience_us;
    bool is_rejected, is_forced, is_quiet, is_full, is_receipt_wanted;
    struct bytes entries;
};

struct peer_snapshot_offer {
    uint64_t term, snapshot_index;
    uint32_t shard, version;
    struct bytes manifest;
};

struct peer_snapshot_piece {
    uint64_t term, snapshot_index, offset;
    uint32_t shard, chunk, version;
    struct bytes data;
};

struct peer_snapshot_wish {
    uint64_t offset;
    uint32_t chunk;
};

struct peer_snapshot_progress {
    uint64_t term, snapshot_index, received_bytes;
    uint32_t shard, version;
    bool is_installed, is_refused;
    struct bytes bytes; /* all of it, for peer_wish_next() */
};

struct peer_pair_heartbeat {
    uint64_t life, context, shard_hash;
    uint32_t from_worker, to_worker, shard_count;
};

struct peer_pair_reply {
    uint64_t life, context, promise_us;
    uint32_t from_worker, to_worker;
    bool is_equal;
};

struct peer_entry_trace {
    uint64_t term, index;
    uint32_t shard;
    struct bytes trace;
};

/* ---- reading ---- */

/* Reads what a batch says of itself, and whether every part of it can be read: afterwards none of
 * the functions below fails. ERR_MALFORMED. */
int peer_batch_read(struct peer_batch *batch, struct bytes bytes) MUST_CHECK;
/* The next part behind the cursor, which begins as cursor_of(batch->bytes). */
bool peer_batch_next(struct cursor *in, enum peer_part *part, struct bytes *bytes);
struct peer_raft peer_raft_read(struct bytes bytes);
struct peer_snapshot_offer peer_snapshot_offer_read(struct bytes bytes);
struct peer_snapshot_piece peer_snapshot_piece_read(struct bytes bytes);
struct peer_snapshot_progress peer_snapshot_progress_read(struct bytes bytes);
struct peer_pair_heartbeat peer_pair_heartbeat_read(struct bytes bytes);
struct peer_pair_reply peer_pair_reply_read(struct bytes bytes);
struct peer_entry_trace peer_entry_trace_read(struct bytes bytes);
/* The next wish behind the cursor, which begins as cursor_of(progress->bytes). */
bool peer_wish_next(struct cursor *in, struct peer_snapshot_wish *wish);

/* ---- writing ---- */

/* The fields of a batch that stand before its parts. Those that are 0 or empty are left out. */
void peer_batch_begin(struct buffer *out, const struct peer_batch *batch);
void peer_batch_append_topology(struct buffer *out, struct bytes topology, struct bytes founding);
/* Behind these four the caller appends as many bytes: the entries, the manifest, the data, the id.
 */
void peer_raft_append(struct buffer *out, const struct peer_raft *message, size_t entry_bytes);
void peer_snapshot_offer_append(struct buffer *out, const struct peer_snapshot_offer *offer,
                                size_t manifest_bytes);
void peer_snapshot_piece_append(struct buffer *out, const struct peer_snapshot_piece *piece,
                                size_t data_bytes);
void peer_entry_trace_append(struct buffer *out, const struct peer_entry_trace *trace,
                             size_t trace_bytes);
void peer_snapshot_progress_append(struct buffer *out,
                                   const struct peer_snapshot_progress *progress,
                                   const struct peer_snapshot_wish *wishes, size_t wish_count);
void peer_pair_heartbeat_append(struct buffer *out, const struct peer_pair_heartbeat *heartbeat);
void peer_pair_reply_append(struct buffer *out, const struct peer_pair_reply *reply);
