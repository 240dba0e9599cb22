#include "raft/move.h"
#include "base/planted.h"
#include "raft/raft.h"
#include "raft/state/lease.h"
#include "raft/state/peers.h"
#include "raft/state/standing.h"
#include "raft/transfer.h"

/* ---- a leader that would rather not ---- */

static bool wants_move(const struct raft *raft) {
    if (PLANTED(RELUCTANT_LEADER_STAYS))
        return false;
    return raft_standing_of(raft, raft->self) != RAFT_WILLING && raft->transfer.to == 0 &&
           raft->wanted.voter_count == 0;
}

/* The pause counts from the election too, so that the lead does not wander between two who are
 * reluctant in turn. Who is unfit to lead only lets its last try come to an end. */
static uint64_t move_allowed_us(const struct raft *raft) {
    if (raft_standing_of(raft, raft->self) > RAFT_RELUCTANT)
        return raft->moved_us + 2 * raft->timing.election_timeout_us;
    uint64_t since_us = raft->moved_us > raft->led_since_us ? raft->moved_us : raft->led_since_us;
    return since_us + raft->timing.move_pause_us;
}

/* Can it take the lead at once? Clients wait while the lead changes hands. */
static bool is_caught_up(const struct raft_progress *peer, raft_index commit_index) {
    return peer->state == RAFT_REPLICATE && peer->match_index >= commit_index;
}

static raft_node_number better_placed(const struct raft *raft) {
    raft_node_number node = raft_successor(raft);
    if (node == 0 || raft_standing_of(raft, node) >= raft_standing_of(raft, raft->self))
        return 0;
    return is_caught_up(raft_peer_of(raft, node), raft->commit_index) ? node : 0;
}

/* At each heartbeat, until somebody is better placed. */
void raft_move_tick(struct raft *raft) {
    if (!wants_move(raft) || !raft_has_term_commit(raft) || raft->now_us < move_allowed_us(raft))
        return;
    raft_node_number node = better_placed(raft);
    if (node == 0)
        return;
    log_line(raft->log_lines, LOG_INFO, "the lead is given away: another node is better placed",
             LOG_F("shard", raft->shard), LOG_F("node", raft->self), LOG_F("term", raft->term),
             LOG_F("to", node));
    raft->moved_us = raft->now_us;
    raft->step.is_move_begun = true;
    raft_transfer(raft, node);
}

/* ---- a leader that only stands in for another ---- */

static bool is_heard(const struct raft *raft, const struct raft_progress *peer, uint64_t now_us) {
    return raft_progress_heard_us(raft, peer) + raft->timing.election_timeout_us > now_us;
}

/* To the willing only: two leaders with slow disks would hand the lead to each other. */
bool raft_may_give_back(const struct raft *raft, raft_node_number node,
                        const struct raft_led *led) {
    if (led->now_us < raft->led_since_us + led->least_us || raft->transfer.to != 0 ||
        raft_is_changing(raft) || !raft_has_term_commit(raft))
        return false;
    const struct raft_progress *peer = raft_peer_of(raft, node);
    return peer != NULL && raft_configuration_has_voter(raft_members(raft), node) &&
           raft_standing_of(raft, node) == RAFT_WILLING && is_heard(raft, peer, led->now_us) &&
           is_caught_up(peer, raft->commit_index);
}
