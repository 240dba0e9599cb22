#include "wire/peer_message.h"
#include "base/check.h"

enum { BATCH_TOPOLOGY = 7, BATCH_FOUNDING = 8, PROGRESS_WISHES = 7 };

/* ---- where each field goes ---- */

#define FIELD(number, name) PROTOBUF_FIELD(struct peer_batch, number, name)
static const struct protobuf_field batch_fields[] = {FIELD(1, cluster_id),
                                                     FIELD(2, from),
                                                     FIELD(3, to),
                                                     FIELD(BATCH_TOPOLOGY, topology),
                                                     FIELD(BATCH_FOUNDING, founding),
                                                     FIELD(9, protocol),
                                                     FIELD(10, workers)};
static const struct protobuf_shape batch_shape = PROTOBUF_SHAPE(batch_fields, 0);
#undef FIELD

#define FIELD(number, name) PROTOBUF_FIELD(struct peer_raft, number, name)
static const struct protobuf_field raft_fields[] = {
    FIELD(1, shard),          FIELD(2, kind),         FIELD(3, term),
    FIELD(4, log_index),      FIELD(5, log_term),     FIELD(6, commit_index),
    FIELD(7, is_rejected),    FIELD(8, is_forced),    FIELD(9, conflict_index),
    FIELD(10, conflict_term), FIELD(11, context),     FIELD(12, read_round),
    FIELD(13, entries),       FIELD(14, is_quiet),    FIELD(15, unpacked_bytes),
    FIELD(16, is_full),       FIELD(17, patience_us), FIELD(18, is_receipt_wanted),
    FIELD(19, agreed_index)};
static const struct protobuf_shape raft_shape = PROTOBUF_SHAPE(raft_fields, 13);
#undef FIELD

#define FIELD(number, name) PROTOBUF_FIELD(struct peer_snapshot_offer, number, name)
static const struct protobuf_field offer_fields[] = {FIELD(1, shard), FIELD(2, term),
                                                     FIELD(3, snapshot_index), FIELD(4, manifest),
                                                     FIELD(5, version)};
static const struct protobuf_shape offer_shape = PROTOBUF_SHAPE(offer_fields, 4);
#undef FIELD

#define FIELD(number, name) PROTOBUF_FIELD(struct peer_snapshot_piece, number, name)
static const struct protobuf_field piece_fields[] = {
    FIELD(1, shard), FIELD(2, term),  FIELD(3, snapshot_index), FIELD(5, offset),
    FIELD(6, data),  FIELD(7, chunk), FIELD(8, version)};
static const struct protobuf_shape piece_shape = PROTOBUF_SHAPE(piece_fields, 6);
#undef FIELD

#define FIELD(number, name) PROTOBUF_FIELD(struct peer_snapshot_wish, number, name)
static const struct protobuf_field wish_fields[] = {FIELD(1, chunk), FIELD(2, offset)};
static const struct protobuf_shape wish_shape = PROTOBUF_SHAPE(wish_fields, 0);
#undef FIELD

#define FIELD(number, name) PROTOBUF_FIELD(struct peer_snapshot_progress, number, name)
static const struct protobuf_field progress_fields[] = {
    FIELD(1, shard),          FIELD(2, term),         FIELD(3, snapshot_index),
    FIELD(4, received_bytes), FIELD(5, is_installed), FIELD(6, is_refused),
    FIELD(8, version)};
static const struct protobuf_shape progress_shape = PROTOBUF_SHAPE(progress_fields, 0);
#undef FIELD

#define FIELD(number, name) PROTOBUF_FIELD(struct peer_pair_heartbeat, number, name)
static const struct protobuf_field heartbeat_fields[] = {
    FIELD(1, from_worker), FIELD(2, to_worker),
    FIELD(3, life),        FIELD(4, context),
    FIELD(5, shard_count), PROTOBUF_FIELD_FIXED64(struct peer_pair_heartbeat, 6, shard_hash)};
static const struct protobuf_shape heartbeat_shape = PROTOBUF_SHAPE(heartbeat_fields, 0);
#undef FIELD

#define FIELD(number, name) PROTOBUF_FIELD(struct peer_pair_reply, number, name)
static const struct protobuf_field reply_fields[] = {FIELD(1, from_worker), FIELD(2, to_worker),
                                                     FIELD(3, life),        FIELD(4, context),
                                                     FIELD(5, is_equal),    FIELD(6, promise_us)};
static const struct protobuf_shape reply_shape = PROTOBUF_SHAPE(reply_fields, 0);
#undef FIELD

#define FIELD(number, name) PROTOBUF_FIELD(struct peer_entry_trace, number, name)
static const struct protobuf_field trace_fields[] = {FIELD(1, shard), FIELD(2, term),
                                                     FIELD(3, index), FIELD(4, trace)};
static const struct protobuf_shape trace_shape = PROTOBUF_SHAPE(trace_fields, 4);
#undef FIELD

/* ---- reading ---- */

/* NULL: a number that is no part, but a field of the batch or of a later release. */
static const struct protobuf_shape *shape_of(uint32_t part) {
    static const struct protobuf_shape *const shapes[] = {
        [PEER_RAFT] = &raft_shape,
        [PEER_SNAPSHOT_PIECE] = &piece_shape,
        [PEER_SNAPSHOT_PROGRESS] = &progress_shape,
        [PEER_PAIR_HEARTBEAT] = &heartbeat_shape,
        [PEER_PAIR_REPLY] = &reply_shape,
        [PEER_SNAPSHOT_OFFER] = &offer_shape,
        [PEER_ENTRY_TRACE] = &trace_shape,
    };
    return part < sizeof shapes / sizeof shapes[0] ? shapes[part] : NULL;
}

static int check_wishes(struct bytes progress) {
    struct cursor in = cursor_of(progress);
    struct protobuf_item item;
    while (protobuf_next(&in, &item)) {
        struct peer_snapshot_wish wish = {0};
        if (item.number == PROGRESS_WISHES &&
            (!item.is_bytes || protobuf_read(&wish_shape, item.bytes, &wish) != 0))
            return ERR_MALFORMED;
    }
    return in.is_failed ? ERR_MALFORMED : 0;
}

static int check_part(const struct protobuf_shape *shape, struct bytes bytes) {
    union {
        struct peer_raft raft;
        struct peer_snapshot_offer offer;
        struct peer_snapshot_piece piece;
        struct peer_snapshot_progress progress;
        struct peer_pair_heartbeat heartbeat;
        struct peer_pair_reply reply;
        struct peer_entry_trace trace;
    } ignored;
    int code = protobuf_read(shape, bytes, &ignored);
    return code == 0 && shape == &progress_shape ? check_wishes(bytes) : code;
}

int peer_batch_read(struct peer_batch *batch, struct bytes bytes) {
    *batch = (struct peer_batch){.bytes = bytes};
    struct cursor in = cursor_of(bytes);
    struct protobuf_item item;
    while (protobuf_next(&in, &item)) {
        const struct protobuf_shape *shape = shape_of(item.number);
        if (shape == NULL)
            continue;
        if (!item.is_bytes || check_part(shape, item.bytes) != 0)
            return ERR_MALFORMED;
        batch->raft_count += item.number == PEER_RAFT;
        batch->other_count += item.number != PEER_RAFT;
    }
    return in.is_failed ? ERR_MALFORMED : protobuf_read(&batch_shape, bytes, batch);
}

bool peer_batch_next(struct cursor *in, enum peer_part *part, struct bytes *bytes) {
    struct protobuf_item item;
    while (protobuf_next(in, &item)) {
        if (shape_of(item.number) != NULL) {
            *part = (enum peer_part)item.number;
            *bytes = item.bytes;
            return true;
        }
    }
    return false;
}

static void read_checked(const struct protobuf_shape *shape, struct bytes bytes, void *out) {
    int code = protobuf_read(shape, bytes, out);
    CHECK(code == 0); /* peer_batch_read() saw to it */
}

struct peer_raft peer_raft_read(struct bytes bytes) {
    struct peer_raft out = {0};
    read_checked(&raft_shape, bytes, &out);
    return out;
}

struct peer_snapshot_offer peer_snapshot_offer_read(struct bytes bytes) {
    struct peer_snapshot_offer out = {0};
    read_checked(&offer_shape, bytes, &out);
    return out;
}

struct peer_snapshot_piece peer_snapshot_piece_read(struct bytes bytes) {
    struct peer_snapshot_piece out = {0};
    read_checked(&piece_shape, bytes, &out);
    return out;
}

struct peer_snapshot_progress peer_snapshot_progress_read(struct bytes bytes) {
    struct peer_snapshot_progress out = {.bytes = bytes};
    read_checked(&progress_shape, bytes, &out);
    return out;
}

struct peer_pair_heartbeat peer_pair_heartbeat_read(struct bytes bytes) {
    struct peer_pair_heartbeat out = {0};
    read_checked(&heartbeat_shape, bytes, &out);
    return out;
}

struct peer_pair_reply peer_pair_reply_read(struct bytes bytes) {
    struct peer_pair_reply out = {0};
    read_checked(&reply_shape, bytes, &out);
    return out;
}

struct peer_entry_trace peer_entry_trace_read(struct bytes bytes) {
    struct peer_entry_trace out = {0};
    read_checked(&trace_shape, bytes, &out);
    return out;
}

bool peer_wish_next(struct cursor *in, struct peer_snapshot_wish *wish) {
    struct protobuf_item item;
    while (protobuf_next(in, &item)) {
        if (item.number == PROGRESS_WISHES) {
            *wish = (struct peer_snapshot_wish){0};
            read_checked(&wish_shape, item.bytes, wish);
            return true;
        }
    }
    return false;
}

/* ---- writing ---- */

void peer_batch_begin(struct buffer *out, const struct peer_batch *batch) {
    protobuf_append_bytes(out, 1, batch->cluster_id);
    protobuf_append_numbers(out, &batch_shape, batch);
}

void peer_batch_append_topology(struct buffer *out, struct bytes topology, struct bytes founding) {
    protobuf_append_bytes(out, BATCH_TOPOLOGY, topology);
    protobuf_append_bytes(out, BATCH_FOUNDING, founding);
}

void peer_raft_append(struct buffer *out, const struct peer_raft *message, size_t entry_bytes) {
    protobuf_append(out, PEER_RAFT, &raft_shape, message, entry_bytes);
}

void peer_snapshot_offer_append(struct buffer *out, const struct peer_snapshot_offer *offer,
                                size_t manifest_bytes) {
    protobuf_append(out, PEER_SNAPSHOT_OFFER, &offer_shape, offer, manifest_bytes);
}

void peer_snapshot_piece_append(struct buffer *out, const struct peer_snapshot_piece *piece,
                                size_t data_bytes) {
    protobuf_append(out, PEER_SNAPSHOT_PIECE, &piece_shape, piece, data_bytes);
}

void peer_snapshot_progress_append(struct buffer *out,
                                   const struct peer_snapshot_progress *progress,
                                   const struct peer_snapshot_wish *wishes, size_t wish_count) {
    struct buffer tail;
    buffer_init(&tail, SIZE_MAX);
    for (size_t i = 0; i < wish_count; i++)
        protobuf_append(&tail, PROGRESS_WISHES, &wish_shape, &wishes[i], 0);
    protobuf_append_open(out, PEER_SNAPSHOT_PROGRESS, &progress_shape, progress, tail.length);
    buffer_append_bytes(out, buffer_bytes(&tail));
    buffer_release(&tail);
}

void peer_pair_heartbeat_append(struct buffer *out, const struct peer_pair_heartbeat *heartbeat) {
    protobuf_append(out, PEER_PAIR_HEARTBEAT, &heartbeat_shape, heartbeat, 0);
}

void peer_pair_reply_append(struct buffer *out, const struct peer_pair_reply *reply) {
    protobuf_append(out, PEER_PAIR_REPLY, &reply_shape, reply, 0);
}

void peer_entry_trace_append(struct buffer *out, const struct peer_entry_trace *trace,
                             size_t trace_bytes) {
    protobuf_append(out, PEER_ENTRY_TRACE, &trace_shape, trace, trace_bytes);
}
