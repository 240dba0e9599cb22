/* A shard in which nothing happens falls quiet: its leader says so to followers that have all there
 * is, and from then on neither sends or awaits anything, or looks at a clock. The heartbeat of the
 * two nodes (pair.h) stands in for theirs. Whatever happens wakes it:
 *
 *               idle for quiet_after_us, all acknowledged: append "quiet"
 *      AWAKE ------------------------------------------------------------> QUIET
 *            <------------------------------------------------------------
 *      leader: a proposal, a change, a transfer, a read that the lease does not cover, a follower
 *              that did not fall quiet; its owner: a peer lost, a pair that is unequal or silent
 *      follower: an append that does not say quiet, another term, its leader's stream lost, silence
 *
 * A leader that wakes says so to every follower in the same step. What the pair's heartbeats were
 * worth for this shard is kept as if it had been its own. */
#include "base/check.h"
#include "base/planted.h"
#include "raft/internal.h"

struct raft_pair *raft_pair_with(const struct raft *raft, raft_node_number peer) {
    return raft->pair_of ? raft->pair_of(raft->pair_context, raft->shard, peer) : NULL;
}

/* ---- what the pairs' heartbeats are worth for this replica ---- */

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

static bool has_heard_pair(const struct raft *raft) {
    return raft->is_quiet && raft->leader_pair != NULL &&
           raft->quiet_since_us <= raft->leader_pair->heard_us;
}

uint64_t raft_promised_until_us(const struct raft *raft) {
    bool is_longer =
        has_heard_pair(raft) && raft->leader_pair->promised_until_us > raft->promised_until_us;
    return is_longer ? raft->leader_pair->promised_until_us : raft->promised_until_us;
}

/* A quiet follower whose leader's node speaks with this one. */
bool raft_quiet_is_heard(const struct raft *raft) {
    return raft->is_quiet && raft->now_us < raft_promised_until_us(raft);
}

/* ---- waking ---- */

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
    uint64_t heard_us = has_heard_pair(raft) ? raft->leader_pair->heard_us : raft->quiet_since_us;
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

/* Once a step, when the event is dealt with: followers that got nothing else hear that it is over.
 */
void raft_quiet_wake_told(struct raft *raft) {
    for (size_t i = 0; raft->role == RAFT_LEADER && i < raft->peer_count; i++)
        if (raft->peers[i].is_waking)
            raft_heartbeat_send(raft, &raft->peers[i]);
}

/* ---- falling quiet ---- */

/* It has everything, knows that it is committed, and is there to hear of it. */
static bool may_follow_quietly(const struct raft *raft, const struct raft_progress *peer) {
    const struct raft_pair *pair = raft_pair_with(raft, peer->node);
    bool has_all = peer->state == RAFT_REPLICATE && peer->match_index == raft_last(raft) &&
                   peer->commit_told == raft_last(raft) && peer->flight_count == 0;
    return (has_all || PLANTED(QUIET_WITH_ENTRIES_MISSING)) &&
           peer->heard_us + raft->timing.election_timeout_us > raft->now_us &&
           peer->heard_us > raft->led_since_us && pair != NULL && pair->is_able;
}

static bool is_done(const struct raft *raft) {
    return raft->commit_index == raft_last(raft) && raft->durable_index == raft_last(raft) &&
           raft_has_term_commit(raft);
}

static bool may_begin(const struct raft *raft) {
    if (raft->is_quiet || raft->pair_of == NULL || raft->timing.quiet_after_us == 0 ||
        raft->now_us < raft->active_us + raft->timing.quiet_after_us || !is_done(raft))
        return false;
    if (raft->transfer_to != 0 || raft->waiting_read_count > 0 || raft_is_changing(raft) ||
        raft_members(raft)->learner_count > 0 || raft_standing_of(raft, raft->self) != RAFT_WILLING)
        return false;
    for (size_t i = 0; i < raft->peer_count; i++)
        if (!may_follow_quietly(raft, &raft->peers[i]))
            return false;
    return true;
}

void raft_quiet_tick(struct raft *raft) {
    if (raft->role != RAFT_LEADER || !may_begin(raft))
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

/* An append that was accepted says quiet: true if it is so here as well. What it says must be the
 * end of the log, durable and known as committed. */
bool raft_quiet_follow(struct raft *raft, const struct raft_message *append) {
    struct raft_pair *pair = raft_pair_with(raft, append->from);
    bool is_at_end = append->entry_count == 0 && append->log_index == raft_last(raft) &&
                     raft->commit_index == raft_last(raft) &&
                     raft->durable_index == raft_last(raft) && raft_save_of_state(raft) == 0;
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

/* A follower that answers the word of falling quiet without having done so is awake, or was woken
 * by something older. */
void raft_quiet_reply_take(struct raft *raft, const struct raft_message *reply) {
    if (raft->is_quiet && !reply->is_quiet && reply->context >= raft->quiet_since_us)
        raft_quiet_end(raft);
}

bool raft_is_quiet(const struct raft *raft) { return raft->is_quiet; }
