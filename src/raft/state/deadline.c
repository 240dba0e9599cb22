#include "raft/state/deadline.h"
#include "raft/state/standing.h"

/* A voter that loses its leader gives each one before it in the configuration this long to win. */
#define CAMPAIGN_STAGGER_US ((uint64_t)15 * 1000)

/* Who stands back waits until those who do not have had their turn. */
void raft_election_deadline_draw(struct raft *raft) {
    uint64_t timeout_us = raft->timing.election_timeout_us;
    raft->election_deadline_us =
        raft->now_us + timeout_us + random_below(&raft->random, timeout_us);
    if (raft_stands_back(raft))
        raft->election_deadline_us += timeout_us;
    raft->campaign_cause = RAFT_ELECTION_TIMEOUT;
}

void raft_pre_campaign_deadline_draw(struct raft *raft) {
    uint64_t half_us = raft->timing.election_timeout_us / 2;
    raft->election_deadline_us = raft->now_us + half_us + random_below(&raft->random, half_us + 1);
}

/* How many voters go before this node: those before it in the configuration, the lost leader left
 * out, and all if it stands back. */
static unsigned rank_without(const struct raft *raft, raft_node_number leader) {
    const struct raft_configuration *members = raft_members(raft);
    unsigned rank = raft_stands_back(raft) ? members->voter_count : 0;
    for (unsigned i = 0; i < members->voter_count && members->voters[i] != raft->self; i++)
        rank += members->voters[i] != leader;
    return rank;
}

void raft_election_deadline_hasten(struct raft *raft, enum raft_election_cause cause) {
    uint64_t soon_us =
        raft->promised_until_us > raft->now_us ? raft->promised_until_us : raft->now_us;
    soon_us += rank_without(raft, raft->leader) * CAMPAIGN_STAGGER_US;
    if (soon_us < raft->election_deadline_us) {
        raft->election_deadline_us = soon_us;
        raft->campaign_cause = cause;
    }
}
