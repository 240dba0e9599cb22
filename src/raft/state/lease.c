#include "raft/state/lease.h"
#include "base/planted.h"
#include "raft/parts/quorum.h"
#include "raft/state/peers.h"

struct raft_pair *raft_pair_with(const struct raft *raft, raft_node_number peer) {
    return raft->pair_of ? raft->pair_of(raft->pair_context, raft->shard, peer) : NULL;
}

/* Only what was sent after this shard fell quiet speaks of it. */
static bool is_acknowledged(const struct raft *raft, const struct raft_progress *peer) {
    return raft->is_quiet && peer->pair != NULL &&
           raft->quiet_since_us < peer->pair->acknowledged_us;
}

uint64_t raft_peer_lease_until_us(const struct raft *raft, const struct raft_progress *peer) {
    bool is_longer =
        is_acknowledged(raft, peer) && peer->pair->lease_until_us > peer->lease_until_us;
    return is_longer ? peer->pair->lease_until_us : peer->lease_until_us;
}

uint64_t raft_progress_heard_us(const struct raft *raft, const struct raft_progress *peer) {
    bool is_later = is_acknowledged(raft, peer) && peer->pair->answered_us > peer->heard_us;
    return is_later ? peer->pair->answered_us : peer->heard_us;
}

bool raft_has_heard_pair(const struct raft *raft) {
    return raft->is_quiet && raft->leader_pair != NULL &&
           raft->quiet_since_us <= raft->leader_pair->heard_us;
}

uint64_t raft_promised_until_us(const struct raft *raft) {
    bool is_longer =
        raft_has_heard_pair(raft) && raft->leader_pair->promised_until_us > raft->promised_until_us;
    return is_longer ? raft->leader_pair->promised_until_us : raft->promised_until_us;
}

/* ---- the leader's own lease ---- */

static uint64_t lease_until_of(const void *context, raft_node_number node) {
    const struct raft *raft = context;
    if (node == raft->self)
        return UINT64_MAX;
    const struct raft_progress *peer = raft_peer_of(raft, node);
    return peer ? raft_peer_lease_until_us(raft, peer) : 0;
}

static uint64_t lease_until(const struct raft *raft) {
    return raft_quorum(raft_members(raft), lease_until_of, raft);
}

void raft_lease_renew(struct raft *raft) { raft->lease.until_us = lease_until(raft); }

bool raft_lease_covers(const struct raft *raft, uint64_t now_us) {
    if (PLANTED(LEASE_KEPT_AFTER_STEP_DOWN) && raft->has_led)
        return true;
    if (PLANTED(LEASE_KEPT_IN_TRANSFER))
        return raft_has_term_commit(raft) && now_us < raft->lease.until_us;
    return raft_has_term_commit(raft) && raft->transfer.to == 0 && !raft->lease.is_given_up &&
           now_us < (raft->is_quiet ? lease_until(raft) : raft->lease.until_us);
}
