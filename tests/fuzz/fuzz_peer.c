/* Batches of the peer plane: of what is accepted every part can be read, and stays within the
 * batch. */
#include "base/check.h"
#include "wire/peer_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static void check_within(struct bytes part, struct bytes whole) {
    CHECK(part.length == 0 ||
          (part.data >= whole.data && part.data + part.length <= whole.data + whole.length));
}

static void read_part(enum peer_part part, struct bytes bytes) {
    struct peer_snapshot_wish wish;
    switch (part) {
    case PEER_RAFT:
        check_within(peer_raft_read(bytes).entries, bytes);
        return;
    case PEER_SNAPSHOT_OFFER:
        check_within(peer_snapshot_offer_read(bytes).manifest, bytes);
        return;
    case PEER_SNAPSHOT_PIECE:
        check_within(peer_snapshot_piece_read(bytes).data, bytes);
        return;
    case PEER_SNAPSHOT_PROGRESS:
        for (struct cursor in = cursor_of(peer_snapshot_progress_read(bytes).bytes);
             peer_wish_next(&in, &wish);)
            ;
        return;
    case PEER_PAIR_HEARTBEAT:
        (void)peer_pair_heartbeat_read(bytes);
        return;
    case PEER_PAIR_REPLY:
        (void)peer_pair_reply_read(bytes);
        return;
    case PEER_ENTRY_TRACE:
        check_within(peer_entry_trace_read(bytes).trace, bytes);
        return;
    }
    UNREACHABLE();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    struct bytes whole = bytes_of(data, length), bytes;
    struct peer_batch batch;
    if (peer_batch_read(&batch, whole))
        return 0;
    check_within(batch.cluster_id, whole);
    check_within(batch.topology, whole);
    check_within(batch.founding, whole);
    size_t count = 0;
    enum peer_part part;
    for (struct cursor in = cursor_of(whole); peer_batch_next(&in, &part, &bytes); count++) {
        check_within(bytes, whole);
        read_part(part, bytes);
    }
    CHECK(count == batch.raft_count + batch.other_count);
    return 0;
}
