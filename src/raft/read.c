#include "raft/read.h"
#include "raft/parts/array.h"
#include "raft/parts/quorum.h"
#include "raft/raft.h"
#include "raft/replication/append.h"
#include "raft/replication/eager.h"
#include "raft/replication/replicate.h"
#include "raft/state/follow.h"
#include "raft/state/outbox.h"
#include "raft/state/peers.h"
#include "raft/state/read_queue.h"

static void read_answer(struct raft *raft, const struct raft_waiting_read *read) {
    if (read->from == 0) {
        raft_answer_push(raft, read->id, read->index, false);
        return;
    }
    struct raft_message *reply = raft_message_push(raft, RAFT_READ_INDEX_REPLY, read->from, 0);
    reply->context = read->id;
    reply->commit_index = read->index;
    /* The asker waits until it has applied up to the index, so it should have the entries, and hear
     * of the commit, now. */
    struct raft_progress *peer = raft_peer(raft, read->from);
    if (peer == NULL)
        return;
    raft_peer_hurry(raft, peer, read->index);
    if (peer->commit_told < read->index)
        raft_heartbeat_send(raft, peer);
}

static uint64_t round_of(const void *context, raft_node_number node) {
    const struct raft *raft = context;
    if (node == raft->self)
        return raft->reads.round;
    const struct raft_progress *peer = raft_peer_of(raft, node);
    return peer ? peer->read_round : 0;
}

/* What the machine was answered from, it may have answered others from. */
static raft_index index_for_reads(const struct raft *raft) {
    return raft->applied_index > raft->commit_index ? raft->applied_index : raft->commit_index;
}

static void confirmed_answer(struct raft *raft) {
    size_t done = 0;
    while (done < raft->reads.waiting_count &&
           raft->reads.waiting[done].round <= raft->reads.confirmed_round)
        read_answer(raft, &raft->reads.waiting[done++]);
    raft->reads.waiting_count = raft_array_remove(raft->reads.waiting, raft->reads.waiting_count, 0,
                                                  done, sizeof *raft->reads.waiting);
}

/* Reads that came before this term's first commit get their index now (6.4 step 1). */
static void rounds_assign(struct raft *raft) {
    for (size_t i = raft->reads.waiting_count; i > 0 && raft->reads.waiting[i - 1].round == 0;
         i--) {
        raft->reads.waiting[i - 1].index = index_for_reads(raft);
        raft->reads.waiting[i - 1].round = raft->reads.round + 1;
    }
}

/* One round is under way at a time; whatever comes meanwhile shares the next one. */
void raft_reads_continue(struct raft *raft) {
    if (!raft_has_term_commit(raft) || raft->reads.waiting_count == 0)
        return;
    rounds_assign(raft);
    raft->reads.confirmed_round = raft_quorum(raft_members(raft), round_of, raft);
    confirmed_answer(raft);
    if (raft->reads.waiting_count == 0 || raft->reads.confirmed_round < raft->reads.round)
        return;
    raft->reads.round++;
    raft_heartbeat_all(raft);
    raft->reads.confirmed_round = raft_quorum(raft_members(raft), round_of, raft);
    confirmed_answer(raft);
}

static void read_wait(struct raft *raft, uint64_t id, raft_node_number from) {
    struct raft_waiting_read read = {.id = id, .from = from};
    if (raft->reads.waiting_count == RAFT_READ_MAXIMUM) {
        raft_read_refuse(raft, &read);
        return;
    }
    raft->reads.waiting = raft_array_grow(raft->reads.waiting, raft->reads.waiting_count,
                                          &raft->reads.waiting_capacity, sizeof read);
    raft->reads.waiting[raft->reads.waiting_count++] = read;
    raft_reads_continue(raft);
}

void raft_read(struct raft *raft, uint64_t read_id) {
    if (raft->role == RAFT_LEADER)
        read_wait(raft, read_id, 0);
    else
        raft_read_forward(raft, read_id);
}

void raft_read_index_receive(struct raft *raft, const struct raft_message *message) {
    raft_term_observe(raft, message);
    struct raft_waiting_read read = {
        .id = message->context, .from = message->from, .index = index_for_reads(raft)};
    if (raft->role != RAFT_LEADER || raft_peer(raft, message->from) == NULL)
        raft_read_refuse(raft, &read);
    else if (raft_has_lease(raft, raft->now_us))
        read_answer(raft, &read);
    else
        read_wait(raft, message->context, message->from);
}

/* The answer holds whatever the terms are by now: its sender led at some time after we asked. But
 * where we are in doubt whether its index is of our log, what is applied here may be something
 * else. */
void raft_read_index_reply_receive(struct raft *raft, const struct raft_message *message) {
    raft_term_observe(raft, message);
    for (size_t i = 0; i < raft->forwarded.count; i++) {
        if (raft->forwarded.reads[i].number != message->context)
            continue;
        raft_answer_push(raft, raft->forwarded.reads[i].read_id, message->commit_index,
                         message->is_rejected || raft_is_in_doubt(raft));
        raft->forwarded.count = raft_array_remove(raft->forwarded.reads, raft->forwarded.count, i,
                                                  1, sizeof *raft->forwarded.reads);
        return;
    }
}
