#include "raft/state/follow.h"
#include "base/check.h"
#include "base/planted.h"
#include "raft/state/deadline.h"
#include "raft/state/quiet.h"
#include "raft/state/read_queue.h"
#include "raft/state/save.h"
#include "raft/state/standing.h"

void raft_follow(struct raft *raft, raft_term term, raft_node_number leader) {
    CHECK(term >= raft->term);
    if (leader != raft->leader)
        raft_quiet_end(raft);
    bool was_follower = raft->role == RAFT_FOLLOWER;
    if (raft->role == RAFT_LEADER)
        raft_leader_line(raft, "leadership lost");
    raft_reads_refuse(raft);
    if (leader != raft->leader || term != raft->term)
        raft_forwarded_refuse(raft, UINT64_MAX);
    raft->role = RAFT_FOLLOWER;
    raft->leader = leader;
    if (!was_follower)
        raft_election_deadline_draw(raft);
    if (term == raft->term)
        return;
    raft->term = term;
    raft->vote = 0;
    raft->is_contradicted = false;
    raft_state_save(raft);
}

bool raft_term_observe(struct raft *raft, const struct raft_message *message) {
    if (message->term > raft->term)
        raft_follow(raft, message->term, 0);
    return message->term == raft->term;
}

bool raft_is_in_doubt(const struct raft *raft) {
    if (PLANTED(GIVEN_UP_PAST_TRUSTED))
        return false;
    return raft->term >= raft->log.newest_term + RAFT_RECOVERY_TERMS;
}

/* A promise that was told stands, also where the setting was made shorter since: the leader may
 * never have heard of the next one. */
void raft_leader_heard(struct raft *raft) {
    uint64_t promised_until_us = raft->now_us + raft->timing.lease_us;
    if (promised_until_us > raft->promised_until_us)
        raft->promised_until_us = promised_until_us;
    if (PLANTED(RELUCTANT_PROMISES_SHORTER) && raft_standing_of(raft, raft->self) != RAFT_WILLING)
        raft->promised_until_us = raft->now_us;
    raft_election_deadline_draw(raft);
}

void raft_leader_lost(struct raft *raft, enum raft_election_cause cause) {
    raft_election_deadline_hasten(raft, cause);
    raft_forwarded_refuse(raft, UINT64_MAX);
}

void raft_leader_line(const struct raft *raft, const char *text) {
    log_line(raft->log_lines, LOG_INFO, text, LOG_F("shard", raft->shard),
             LOG_F("node", raft->self), LOG_F("term", raft->term), LOG_F("index", raft_last(raft)));
}
