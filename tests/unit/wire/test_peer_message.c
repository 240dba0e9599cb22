/* What this program writes by hand is what protobuf writes, and what either writes the other reads.
 * Messages are made by lot, half of their fields empty, as proto3 leaves those out. */
#include "../unit.h"
#include "base/random.h"
#include "wire/peer.pb-c.h"
#include "wire/peer_message.h"

enum { ROUNDS = 300, DATA_BYTES = 200 };

static struct random lot;
static uint8_t data[DATA_BYTES];

static uint64_t number(void) {
    return random_chance(&lot, 0.5) ? 0 : random_next(&lot) >> random_below(&lot, 64);
}

static struct bytes some_data(void) { return bytes_of(data, random_below(&lot, DATA_BYTES)); }

static void assert_same(struct bytes bytes, ProtobufCBinaryData theirs) {
    assert_int_equal(bytes.length, theirs.len);
    if (theirs.len)
        assert_memory_equal(bytes.data, theirs.data, theirs.len);
}

/* Of every field of RaftMessage that is a number: our name and theirs are one. */
#define RAFT_NUMBERS(EACH)                                                                         \
    EACH(shard)                                                                                    \
    EACH(kind)                                                                                     \
    EACH(term)                                                                                     \
    EACH(log_index)                                                                                \
    EACH(log_term)                                                                                 \
    EACH(commit_index)                                                                             \
    EACH(is_rejected)                                                                              \
    EACH(is_forced)                                                                                \
    EACH(conflict_index)                                                                           \
    EACH(conflict_term)                                                                            \
    EACH(context)                                                                                  \
    EACH(read_round)                                                                               \
    EACH(is_quiet)                                                                                 \
    EACH(unpacked_bytes)                                                                           \
    EACH(is_full)                                                                                  \
    EACH(patience_us)                                                                              \
    EACH(is_receipt_wanted)                                                                        \
    EACH(agreed_index)

static struct peer_raft raft_by_lot(void) {
    return (struct peer_raft){.term = number(),
                              .log_index = number(),
                              .log_term = number(),
                              .commit_index = number(),
                              .conflict_index = number(),
                              .conflict_term = number(),
                              .context = number(),
                              .read_round = number(),
                              .agreed_index = number(),
                              .shard = (uint32_t)number(),
                              .kind = (uint32_t)number(),
                              .unpacked_bytes = (uint32_t)number(),
                              .patience_us = (uint32_t)number(),
                              .is_rejected = number() & 1,
                              .is_forced = number() & 1,
                              .is_quiet = number() & 1,
                              .is_full = number() & 1,
                              .is_receipt_wanted = number() & 1,
                              .entries = some_data()};
}

/* A batch of one part, as we write it. */
static void write_raft(struct buffer *out, const struct peer_raft *message) {
    peer_raft_append(out, message, message->entries.length);
    buffer_append_bytes(out, message->entries);
}

static struct bytes only_part(struct bytes bytes, enum peer_part wanted) {
    struct peer_batch batch;
    assert_int_equal(peer_batch_read(&batch, bytes), 0);
    struct cursor in = cursor_of(batch.bytes);
    enum peer_part part;
    struct bytes found, more;
    assert_true(peer_batch_next(&in, &part, &found));
    assert_int_equal(part, wanted);
    assert_false(peer_batch_next(&in, &part, &more));
    return found;
}

static Trothdb__Peer__V1__PeerBatch *unpack(struct bytes bytes) {
    Trothdb__Peer__V1__PeerBatch *batch =
        trothdb__peer__v1__peer_batch__unpack(NULL, bytes.length, bytes.data);
    assert_non_null(batch);
    return batch;
}

static void release(Trothdb__Peer__V1__PeerBatch *batch) {
    trothdb__peer__v1__peer_batch__free_unpacked(batch, NULL);
}

/* As protobuf packs it; owned. */
static void pack(struct buffer *out, const Trothdb__Peer__V1__PeerBatch *batch) {
    size_t length = trothdb__peer__v1__peer_batch__get_packed_size(batch);
    buffer_clear(out);
    assert_int_equal(trothdb__peer__v1__peer_batch__pack(batch, buffer_reserve(out, length)),
                     length);
    buffer_grew(out, length);
}

static void test_raft_messages_are_those_of_protobuf(void **state) {
    (void)state;
    struct buffer ours, theirs;
    buffer_init(&ours, SIZE_MAX);
    buffer_init(&theirs, SIZE_MAX);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct peer_raft message = raft_by_lot();
        buffer_clear(&ours);
        write_raft(&ours, &message);
        Trothdb__Peer__V1__PeerBatch *batch = unpack(buffer_bytes(&ours));
        assert_int_equal(batch->n_raft, 1);
#define ASSERT_EQUAL(name) assert_true(batch->raft[0]->name == message.name);
        RAFT_NUMBERS(ASSERT_EQUAL)
        assert_same(message.entries, batch->raft[0]->entries);
        pack(&theirs, batch);
        struct peer_raft again = peer_raft_read(only_part(buffer_bytes(&theirs), PEER_RAFT));
#define ASSERT_READ(name) assert_true(again.name == message.name);
        RAFT_NUMBERS(ASSERT_READ)
        assert_same(again.entries, batch->raft[0]->entries);
        assert_int_equal(ours.length, theirs.length);
        release(batch);
    }
    buffer_release(&ours);
    buffer_release(&theirs);
}

/* The bytes themselves, as an older release reads them and wrote them. */
static void test_batch_has_the_bytes_it_always_had(void **state) {
    (void)state;
    static const uint8_t golden[] = {0x0a, 2,    'i',  'd',     /* cluster_id */
                                     0x10, 1,                   /* from */
                                     0x18, 2,                   /* to */
                                     0x48, 3,                   /* protocol */
                                     0x50, 4,                   /* workers */
                                     0x22, 14,                  /* raft, 14 bytes */
                                     0x08, 3,                   /* shard */
                                     0x18, 0xac, 2,             /* term 300 */
                                     0x88, 1,    0x80, 1,       /* patience_us 128 */
                                     0x6a, 3,    1,    2,   3}; /* entries */
    struct buffer out;
    buffer_init(&out, SIZE_MAX);
    struct peer_batch head = {
        .cluster_id = BYTES_LITERAL("id"), .from = 1, .to = 2, .protocol = 3, .workers = 4};
    struct peer_raft message = {
        .shard = 3, .term = 300, .patience_us = 128, .entries = BYTES_LITERAL("\1\2\3")};
    peer_batch_begin(&out, &head);
    write_raft(&out, &message);
    assert_int_equal(out.length, sizeof golden);
    assert_memory_equal(buffer_data(&out), golden, sizeof golden);
    struct peer_batch batch;
    assert_int_equal(peer_batch_read(&batch, buffer_bytes(&out)), 0);
    assert_int_equal(batch.from, 1);
    assert_int_equal(batch.to, 2);
    assert_int_equal(batch.protocol, 3);
    assert_int_equal(batch.workers, 4);
    assert_true(bytes_equal(batch.cluster_id, head.cluster_id));
    assert_int_equal(batch.raft_count, 1);
    assert_int_equal(batch.other_count, 0);
    buffer_release(&out);
}

static void append_transfer(struct buffer *out) {
    struct peer_snapshot_offer offer = {
        .shard = 1, .term = number(), .snapshot_index = number(), .version = 2};
    peer_snapshot_offer_append(out, &offer, 4);
    buffer_append_text(out, "mani");
    struct peer_snapshot_piece piece = {
        .shard = 1, .term = 7, .snapshot_index = 8, .offset = 9, .chunk = 10, .version = 11};
    peer_snapshot_piece_append(out, &piece, 5);
    buffer_append_text(out, "piece");
    struct peer_snapshot_progress progress = {.shard = 1,
                                              .term = 2,
                                              .snapshot_index = 3,
                                              .received_bytes = 300,
                                              .is_refused = true,
                                              .version = 1};
    struct peer_snapshot_wish wishes[] = {{.chunk = 1, .offset = 1 << 20}, {.chunk = 2}};
    peer_snapshot_progress_append(out, &progress, wishes, 2);
}

static void append_pairs(struct buffer *out) {
    struct peer_pair_heartbeat heartbeat = {.from_worker = 1,
                                            .to_worker = 2,
                                            .life = 3,
                                            .context = number(),
                                            .shard_count = 5,
                                            .shard_hash = 0x0102030405060708};
    peer_pair_heartbeat_append(out, &heartbeat);
    struct peer_pair_reply reply = {
        .to_worker = 2, .life = 3, .context = 4, .is_equal = true, .promise_us = 500};
    peer_pair_reply_append(out, &reply);
}

static void append_trace(struct buffer *out) {
    struct peer_entry_trace trace = {.shard = 1, .term = 2, .index = 300};
    peer_entry_trace_append(out, &trace, 2);
    buffer_append_text(out, "id");
}

static void append_batch(struct buffer *out) {
    struct peer_raft message = raft_by_lot();
    struct peer_batch head = {.cluster_id = BYTES_LITERAL("0123456789abcdef"), .from = 1};
    peer_batch_begin(out, &head);
    write_raft(out, &message);
    append_transfer(out);
    append_pairs(out);
    append_trace(out);
    peer_batch_append_topology(out, BYTES_LITERAL("map"), BYTES_LITERAL("old"));
}

/* What protobuf unpacks of ours and packs again has the same parts for us. */
static void test_other_parts_are_those_of_protobuf(void **state) {
    (void)state;
    struct buffer ours, theirs, again;
    buffer_init(&ours, SIZE_MAX);
    buffer_init(&theirs, SIZE_MAX);
    buffer_init(&again, SIZE_MAX);
    append_batch(&ours);
    Trothdb__Peer__V1__PeerBatch *batch = unpack(buffer_bytes(&ours));
    assert_true(batch->n_snapshot_offers == 1 && batch->n_snapshot_pieces == 1 &&
                batch->n_snapshot_progress == 1 && batch->n_pair_heartbeats == 1 &&
                batch->n_pair_replies == 1 && batch->n_entry_traces == 1);
    assert_true(batch->entry_traces[0]->index == 300);
    assert_same(BYTES_LITERAL("id"), batch->entry_traces[0]->trace);
    const Trothdb__Peer__V1__SnapshotPiece *piece = batch->snapshot_pieces[0];
    assert_true(piece->shard == 1 && piece->term == 7 && piece->snapshot_index == 8 &&
                piece->offset == 9 && piece->chunk == 10 && piece->version == 11);
    assert_same(BYTES_LITERAL("piece"), piece->data);
    assert_same(BYTES_LITERAL("mani"), batch->snapshot_offers[0]->manifest);
    assert_int_equal(batch->snapshot_progress[0]->n_wishes, 2);
    assert_int_equal(batch->snapshot_progress[0]->wishes[0]->offset, 1 << 20);
    assert_true(batch->pair_heartbeats[0]->shard_hash == 0x0102030405060708);
    assert_same(BYTES_LITERAL("map"), batch->topology);
    assert_same(BYTES_LITERAL("old"), batch->founding);
    pack(&theirs, batch);
    struct peer_batch read;
    assert_int_equal(peer_batch_read(&read, buffer_bytes(&theirs)), 0);
    assert_true(bytes_equal(read.topology, BYTES_LITERAL("map")));
    assert_true(bytes_equal(read.founding, BYTES_LITERAL("old")));
    assert_int_equal(read.raft_count, 1);
    assert_int_equal(read.other_count, 6);
    struct cursor in = cursor_of(read.bytes);
    enum peer_part part;
    struct bytes bytes;
    unsigned wish_count = 0;
    while (peer_batch_next(&in, &part, &bytes)) {
        if (part == PEER_SNAPSHOT_PROGRESS) {
            struct peer_snapshot_progress progress = peer_snapshot_progress_read(bytes);
            assert_true(progress.received_bytes == 300 && progress.is_refused &&
                        !progress.is_installed);
            struct cursor wishes = cursor_of(progress.bytes);
            struct peer_snapshot_wish wish;
            for (; peer_wish_next(&wishes, &wish); wish_count++)
                assert_int_equal(wish.chunk, wish_count + 1);
        } else if (part == PEER_PAIR_HEARTBEAT) {
            struct peer_pair_heartbeat heartbeat = peer_pair_heartbeat_read(bytes);
            assert_true(heartbeat.shard_hash == 0x0102030405060708 && heartbeat.to_worker == 2);
        } else if (part == PEER_PAIR_REPLY) {
            struct peer_pair_reply reply = peer_pair_reply_read(bytes);
            assert_true(reply.is_equal && reply.promise_us == 500 && reply.context == 4);
        }
    }
    assert_int_equal(wish_count, 2);
    assert_int_equal(part, PEER_ENTRY_TRACE); /* the last one */
    struct peer_entry_trace trace = peer_entry_trace_read(bytes);
    assert_true(trace.shard == 1 && trace.term == 2 && trace.index == 300);
    assert_true(bytes_equal(trace.trace, BYTES_LITERAL("id")));
    release(batch);
    buffer_release(&ours);
    buffer_release(&theirs);
    buffer_release(&again);
}

/* Whatever is cut off of a batch, both say the same of the rest: mostly that it is malformed. */
static void test_cut_batches_are_refused_where_protobuf_refuses_them(void **state) {
    (void)state;
    struct buffer out;
    buffer_init(&out, SIZE_MAX);
    append_batch(&out);
    for (size_t length = 0; length < out.length; length++) {
        struct bytes cut = bytes_of(buffer_data(&out), length);
        Trothdb__Peer__V1__PeerBatch *theirs =
            trothdb__peer__v1__peer_batch__unpack(NULL, length, buffer_data(&out));
        struct peer_batch ours;
        assert_int_equal(peer_batch_read(&ours, cut), theirs ? 0 : ERR_MALFORMED);
        if (theirs)
            release(theirs);
    }
    buffer_release(&out);
}

static void assert_malformed(const char *bytes, size_t length) {
    struct peer_batch batch;
    assert_int_equal(peer_batch_read(&batch, bytes_of(bytes, length)), ERR_MALFORMED);
}

static void test_strange_fields(void **state) {
    (void)state;
    struct peer_batch batch;
    /* Number 31 of a later release, as a number, 4 and 8 bytes and a string; from twice. */
    static const char later[] = "\xf8\x01\x05\xfd\x01...."
                                "\xf9\x01........\xfa\x01\x02hi\x10\x01\x10\x02";
    assert_int_equal(peer_batch_read(&batch, bytes_of(later, sizeof later - 1)), 0);
    assert_int_equal(batch.from, 2);
    assert_malformed("\x12\x01x", 3);                /* from as bytes */
    assert_malformed("\x08\x01", 2);                 /* cluster_id as a number */
    assert_malformed("\x20\x01", 2);                 /* raft as a number */
    assert_malformed("\x22\x02\x0a\x00", 4);         /* its shard as bytes */
    assert_malformed("\x13\x14", 2);                 /* a group */
    assert_malformed("\x02\x00", 2);                 /* number 0 */
    assert_malformed("\x10\x81\x00", 3);             /* not the shortest form */
    assert_malformed("\x32\x02\x3a\x05", 4);         /* a wish longer than its message */
    assert_malformed("\x32\x04\x3a\x02\x08\x80", 6); /* a wish that ends amid a number */
}

int main(void) {
    random_init(&lot, 1);
    for (size_t i = 0; i < DATA_BYTES; i++)
        data[i] = (uint8_t)random_next(&lot);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raft_messages_are_those_of_protobuf),
        cmocka_unit_test(test_batch_has_the_bytes_it_always_had),
        cmocka_unit_test(test_other_parts_are_those_of_protobuf),
        cmocka_unit_test(test_cut_batches_are_refused_where_protobuf_refuses_them),
        cmocka_unit_test(test_strange_fields)};
    return cmocka_run_group_tests_name("peer_message", tests, NULL, NULL);
}
