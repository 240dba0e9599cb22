#include "raft/state/quiet.h"
#include "base/check.h"
#include "base/planted.h"
#include "raft/state/deadline.h"
#include "raft/state/lease.h"

static void leader_end(struct raft *raft) {
    for (size_t i = 0; i < raft->peer_count; i++) {
        struct raft_progress *peer = &raft->peers[i];
        raft_quiet_set_remove(&peer->pair->led, raft->shard, raft->term);
        peer->lease_until_us = raft_peer_lease_until_us(raft, peer);
        peer->heard_us = raft_progress_heard_us(raft, peer);
        peer->pair = NULL;
        peer->is_waking = true;
    }
}

/* The silence that its owner noticed counts: an election is due when one would have been. */
static void follower_end(struct raft *raft) {
    uint64_t heard_us =
        raft_has_heard_pair(raft) ? raft->leader_pair->heard_us : raft->quiet_since_us;
    raft_election_deadline_draw(raft);
    raft->election_deadline_us -= raft->now_us > heard_us ? raft->now_us - heard_us : 0;
    if (!PLANTED(QUIET_PROMISE_FORGOTTEN))
        raft->promised_until_us = raft_promised_until_us(raft);
    raft_quiet_set_remove(&raft->leader_pair->followed, raft->shard, raft->term);
}

void raft_quiet_end(struct raft *raft) {
    raft->active_us = raft->now_us;
    if (!raft->is_quiet)
        return;
    if (raft->role == RAFT_LEADER)
        leader_end(raft);
    else
        follower_end(raft);
    raft->is_quiet = false;
    raft->leader_pair = NULL;
    if (raft->role == RAFT_LEADER)
        raft_lease_renew(raft);
}

bool raft_quiet_is_heard(const struct raft *raft) {
    return raft->is_quiet && raft->now_us < raft_promised_until_us(raft);
}

bool raft_quiet_follow(struct raft *raft, const struct raft_message *append) {
    struct raft_pair *pair = raft_pair_with(raft, append->from);
    bool is_at_end = append->log_index == raft_last(raft) &&
                     raft->commit_index == raft_last(raft) &&
                     raft->saves.durable_index == raft_last(raft) && raft_save_of_state(raft) == 0;
    if (PLANTED(QUIET_WITH_ENTRIES_MISSING))
        is_at_end = true;
    if (!append->is_quiet || !is_at_end || pair == NULL || !pair->is_able)
        return false;
    CHECK(!raft->is_quiet);
    raft->is_quiet = true;
    raft->quiet_since_us = raft->now_us;
    raft->leader_pair = pair;
    raft_quiet_set_add(&pair->followed, raft->shard, raft->term, raft->now_us);
    return true;
}

void raft_quiet_reply_take(struct raft *raft, const struct raft_message *reply) {
    if (raft->is_quiet && !reply->is_quiet && reply->context >= raft->quiet_since_us)
        raft_quiet_end(raft);
}
