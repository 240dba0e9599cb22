#include "raft/state/outbox.h"
#include "raft/parts/array.h"

struct raft_message *raft_message_push(struct raft *raft, enum raft_message_kind kind,
                                       raft_node_number to, uint64_t after_save) {
    raft->outbox.messages =
        raft_array_grow(raft->outbox.messages, raft->outbox.message_count,
                        &raft->outbox.message_capacity, sizeof *raft->outbox.messages);
    struct raft_outgoing *outgoing = &raft->outbox.messages[raft->outbox.message_count++];
    *outgoing = (struct raft_outgoing){.after_save = after_save};
    outgoing->message.kind = kind;
    outgoing->message.from = raft->self;
    outgoing->message.to = to;
    outgoing->message.term = raft->term;
    return &outgoing->message;
}

void raft_answer_push(struct raft *raft, uint64_t read_id, raft_index index, bool is_refused) {
    raft->outbox.answers =
        raft_array_grow(raft->outbox.answers, raft->outbox.answer_count,
                        &raft->outbox.answer_capacity, sizeof *raft->outbox.answers);
    raft->outbox.answers[raft->outbox.answer_count++] =
        (struct raft_read_answer){.read_id = read_id, .index = index, .is_refused = is_refused};
}

void raft_snapshot_want(struct raft *raft, struct raft_progress *peer) {
    if (raft->step.snapshot_wanted_count == RAFT_VOTER_MAXIMUM)
        return; /* asked for again at a later heartbeat */
    raft->step.snapshot_wanted_by[raft->step.snapshot_wanted_count++] = peer->node;
    raft_progress_snapshot(peer, raft->log.base_index);
}
