#include "raft/transfer.h"
#include "raft/raft.h"
#include "raft/state/outbox.h"
#include "raft/state/peers.h"
#include "raft/state/quiet.h"
#include "raft/state/standing.h"

static bool may_succeed(const struct raft *raft, const struct raft_progress *peer) {
    bool is_near = peer->heard_us + raft->timing.election_timeout_us > raft->now_us;
    return peer->heard_us != 0 && is_near &&
           raft_configuration_keeps_voter(raft_members(raft), peer->node) &&
           raft_standing_of(raft, peer->node) != RAFT_LEAVING;
}

static bool is_better(const struct raft *raft, const struct raft_progress *peer,
                      const struct raft_progress *best) {
    if (best == NULL)
        return true;
    enum raft_standing standing = raft_standing_of(raft, peer->node);
    enum raft_standing best_standing = raft_standing_of(raft, best->node);
    if (standing != best_standing)
        return standing < best_standing;
    return peer->match_index > best->match_index;
}

raft_node_number raft_successor(const struct raft *raft) {
    const struct raft_progress *best = NULL;
    for (size_t i = 0; i < raft->peer_count; i++) {
        const struct raft_progress *peer = &raft->peers[i];
        if (may_succeed(raft, peer) && is_better(raft, peer, best))
            best = peer;
    }
    return best ? best->node : 0;
}

void raft_transfer(struct raft *raft, raft_node_number node) {
    if (raft->role != RAFT_LEADER || raft->transfer.to != 0)
        return;
    raft_quiet_end(raft);
    if (node == 0)
        node = raft_successor(raft);
    bool is_another = raft_peer(raft, node) != NULL; /* I3 */
    if (!is_another || !raft_configuration_keeps_voter(raft_members(raft), node))
        return;
    raft->transfer.to = node;
    raft->step.is_transfer_begun = true;
    raft->transfer.is_told = false;
    raft->transfer.deadline_us = raft->now_us + raft->timing.election_timeout_us;
    raft_transfer_continue(raft);
}

/* The lease goes first: voters forget about it for a campaign that was ordered. Since the order may
 * arrive at any later time, the lease does not come back in this term, even if the transfer is
 * given up. */
void raft_transfer_continue(struct raft *raft) {
    if (raft->transfer.to == 0 || raft->transfer.is_told)
        return;
    const struct raft_progress *peer = raft_peer(raft, raft->transfer.to);
    if (peer == NULL || peer->match_index != raft_last(raft))
        return;
    raft->transfer.is_told = true;
    raft->lease.is_given_up = true;
    raft_message_push(raft, RAFT_TIMEOUT_NOW, raft->transfer.to, 0);
}

bool raft_is_handing_over(const struct raft *raft) {
    return raft->role == RAFT_LEADER && raft->transfer.to != 0;
}

raft_node_number raft_successor_chosen(const struct raft *raft) {
    return raft_is_handing_over(raft) ? raft->transfer.to : 0;
}

void raft_transfer_tick(struct raft *raft) {
    if (raft->transfer.to != 0 && raft->now_us >= raft->transfer.deadline_us)
        raft->transfer.to = 0;
}
