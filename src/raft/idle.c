#include "raft/idle.h"
#include "base/planted.h"
#include "raft/raft.h"
#include "raft/replication/append.h"
#include "raft/state/lease.h"
#include "raft/state/standing.h"

/* It has everything, knows that it is committed, and is there to hear of it. */
static bool may_follow_quietly(const struct raft *raft, const struct raft_progress *peer) {
    const struct raft_pair *pair = raft_pair_with(raft, peer->node);
    bool has_all = peer->state == RAFT_REPLICATE && peer->match_index == raft_last(raft) &&
                   peer->commit_told == raft_last(raft);
    return (has_all || PLANTED(QUIET_WITH_ENTRIES_MISSING)) &&
           peer->heard_us + raft->timing.election_timeout_us > raft->now_us &&
           peer->heard_us > raft->led_since_us && pair != NULL && pair->is_able;
}

static bool is_done(const struct raft *raft) {
    return raft->commit_index == raft_last(raft) && raft->saves.durable_index == raft_last(raft);
}

static bool may_begin(const struct raft *raft) {
    if (raft->timing.quiet_after_us == 0 ||
        raft->now_us < raft->active_us + raft->timing.quiet_after_us || !is_done(raft))
        return false;
    if (raft->transfer.to != 0 || raft->reads.waiting_count > 0 || raft_is_changing(raft) ||
        raft_members(raft)->learner_count > 0 || raft_standing_of(raft, raft->self) != RAFT_WILLING)
        return false;
    for (size_t i = 0; i < raft->peer_count; i++)
        if (!may_follow_quietly(raft, &raft->peers[i]))
            return false;
    return true;
}

void raft_quiet_tick(struct raft *raft) {
    if (!may_begin(raft))
        return;
    for (size_t i = 0; i < raft->peer_count; i++) {
        struct raft_progress *peer = &raft->peers[i];
        raft_heartbeat_send(raft, peer)->is_quiet = true;
        peer->pair = raft_pair_with(raft, peer->node);
        raft_quiet_set_add(&peer->pair->led, raft->shard, raft->term, raft->now_us);
    }
    raft->is_quiet = true;
    raft->quiet_since_us = raft->now_us;
}

void raft_quiet_wake_told(struct raft *raft) {
    for (size_t i = 0; raft->role == RAFT_LEADER && i < raft->peer_count; i++)
        if (raft->peers[i].is_waking)
            raft_heartbeat_send(raft, &raft->peers[i]);
}
