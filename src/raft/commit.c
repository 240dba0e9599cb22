#include "raft/commit.h"
#include "base/planted.h"
#include "raft/parts/quorum.h"
#include "raft/read.h"
#include "raft/replication/lazy.h"
#include "raft/replication/replicate.h"
#include "raft/state/follow.h"
#include "raft/state/lease.h"
#include "raft/state/peers.h"
#include "raft/state/quiet.h"
#include "raft/state/save.h"
#include "raft/transfer.h"

static uint64_t received_of(const void *context, raft_node_number node) {
    const struct raft *raft = context;
    if (node == raft->self)
        return raft_last(raft);
    const struct raft_progress *peer = raft_peer_of(raft, node);
    return peer ? raft_progress_received(peer) : 0;
}

/* Once an entry of this term is committed, all that is not is of this term: what a majority has in
 * memory stays in every later leader's log unless those lose their memory (as of 5.4, with memory
 * in the place of the disk). */
static void early_advance(struct raft *raft) {
    if (!raft_has_term_commit(raft) || raft->early.asked_index <= raft->commit_index)
        return;
    raft_index index = raft_quorum(raft_members(raft), received_of, raft);
    if (index > raft->early.asked_index)
        index = raft->early.asked_index;
    if (index > raft->early.index)
        raft->early.index = index;
}

void raft_propose(struct raft *raft, struct raft_entry *entry) {
    if (raft->role != RAFT_LEADER || raft->transfer.to != 0) {
        raft->step.proposal_error = raft->role == RAFT_LEADER ? ERR_BUSY : ERR_NOT_LEADER;
        raft_entry_drop(entry);
        return;
    }
    raft_entry_seal(entry, raft->term, raft_last(raft) + 1, RAFT_ENTRY_COMMANDS);
    raft_entry_append(raft, entry);
    if (entry->is_early)
        raft->early.asked_index = entry->index;
    raft->early.patience_us = entry->patience_us;
    raft_lazy_note(raft, entry);
    raft_replicate_all(raft);
    early_advance(raft);
}

static uint64_t match_of(const void *context, raft_node_number node) {
    const struct raft *raft = context;
    if (node == raft->self)
        return raft->saves.durable_index;
    const struct raft_progress *peer = raft_peer_of(raft, node);
    if (peer == NULL)
        return 0;
    return PLANTED(RECEIPT_COUNTS_AS_DURABLE) ? raft_progress_received(peer) : peer->match_index;
}

/* 5.4.2, figure 3.7: an entry of an earlier term is never committed by counting it, only by an
 * entry of this term after it. */
void raft_commit_advance(struct raft *raft) {
    if (raft->role != RAFT_LEADER)
        return;
    raft_index index = raft_quorum(raft_members(raft), match_of, raft);
    if (index <= raft->commit_index)
        return;
    if (raft_log_term(&raft->log, index) != raft->term && !PLANTED(COMMIT_EARLIER_TERM_BY_COUNT))
        return;
    raft_commit_set(raft, index);
    raft_reads_continue(raft);
}

/* The next index to try after `rejected` was refused; always below it. */
static raft_index backtrack(const struct raft *raft, const struct raft_message *reply) {
    raft_index rejected = reply->log_index;
    raft_index next = reply->conflict_index;
    if (next == 0 || next > rejected)
        next = rejected;
    if (reply->conflict_term == 0 || rejected <= raft->log.base_index + 1)
        return next;
    raft_index after = raft_log_first_of_term(&raft->log, raft->log.base_index + 1, rejected - 1,
                                              reply->conflict_term + 1);
    bool has_term = raft_log_term(&raft->log, after - 1) == reply->conflict_term;
    return has_term && after > next ? after : next;
}

/* It was asked after it had acknowledged what it rejects, so that is gone: a node that had not
 * heard yet that its replica is wanted again removed it, and made another. What was committed by
 * its word stands, since the other one is bound by it (raft_recovered.floor_index). */
static bool is_another(const struct raft *raft, const struct raft_progress *peer,
                       const struct raft_message *reply) {
    return reply->log_index <= peer->match_index && reply->context > peer->matched_us &&
           reply->context <= raft->now_us;
}

static bool is_stale(const struct raft_progress *peer, const struct raft_message *reply) {
    return reply->log_index <= peer->match_index || reply->log_index >= peer->next_index ||
           (peer->state == RAFT_PROBE && reply->log_index + 1 != peer->next_index);
}

static void rejection_take(struct raft *raft, struct raft_progress *peer,
                           const struct raft_message *reply) {
    if (peer->state == RAFT_SNAPSHOT)
        return;
    if (is_another(raft, peer, reply)) {
        log_line(raft->log_lines, LOG_WARN, "a follower has not what it acknowledged: begun anew",
                 LOG_F("shard", raft->shard), LOG_F("node", peer->node),
                 LOG_F("index", peer->match_index));
        raft_progress_probe_another(peer, backtrack(raft, reply));
    } else if (is_stale(peer, reply)) {
        return;
    } else {
        peer->agreed_index = peer->match_index; /* it may have lost what it had only received */
        raft_progress_probe(peer, backtrack(raft, reply));
    }
    raft_replicate(raft, peer);
}

/* What is sent to a full follower is lost. Its answers to heartbeats say when it is full no more.
 */
static void wait_for_room(struct raft_progress *peer) {
    raft_progress_probe(peer, peer->match_index + 1);
    peer->is_probe_sent = true;
}

static void acceptance_take(struct raft *raft, struct raft_progress *peer,
                            const struct raft_message *reply) {
    bool is_news = reply->log_index > peer->match_index;
    if (is_news) {
        peer->match_index = reply->log_index;
        peer->matched_us = raft->now_us;
    }
    peer->received_index = reply->conflict_index;
    if (reply->agreed_index > peer->agreed_index && reply->agreed_index <= raft_last(raft))
        peer->agreed_index = reply->agreed_index;
    raft_progress_land(peer, raft->now_us);
    bool is_found = peer->state == RAFT_PROBE && reply->log_index + 1 >= peer->next_index;
    bool is_restored = peer->state == RAFT_SNAPSHOT && peer->match_index >= raft->log.base_index;
    if (is_found || is_restored)
        raft_progress_replicate(peer);
    if (peer->next_index <= peer->match_index)
        peer->next_index = peer->match_index + 1;
    if (reply->is_full && peer->state != RAFT_SNAPSHOT)
        wait_for_room(peer);
    if (is_news)
        raft_commit_advance(raft);
    early_advance(raft);
    raft_transfer_continue(raft);
    raft_replicate(raft, peer);
}

static void contact_take(struct raft *raft, struct raft_progress *peer,
                         const struct raft_message *reply) {
    peer->heard_us = raft->now_us;
    if (reply->read_round > peer->read_round && reply->read_round <= raft->reads.round)
        peer->read_round = reply->read_round;
    if (reply->context > raft->now_us)
        return;
    uint64_t until_us = reply->context + raft_lease_of_promise_us(&raft->timing, reply->log_term);
    if (until_us > peer->lease_until_us)
        peer->lease_until_us = until_us;
    raft_lease_renew(raft);
}

void raft_append_reply_receive(struct raft *raft, const struct raft_message *reply) {
    if (!raft_term_observe(raft, reply) || raft->role != RAFT_LEADER)
        return;
    struct raft_progress *peer = raft_peer(raft, reply->from);
    if (peer == NULL || (!reply->is_rejected && reply->log_index > raft_last(raft)))
        return;
    contact_take(raft, peer, reply);
    raft_quiet_reply_take(raft, reply);
    if (reply->is_rejected)
        rejection_take(raft, peer, reply);
    else
        acceptance_take(raft, peer, reply);
    raft_reads_continue(raft);
}
