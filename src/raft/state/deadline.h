/* When a replica that hears of no leader campaigns: by lot, so that two rarely do so at once. */
#pragma once
#include "raft/state/state.h"

void raft_election_deadline_draw(struct raft *raft);
/* Pre-votes disturb nobody, so they are tried again sooner than votes. */
void raft_pre_campaign_deadline_draw(struct raft *raft);
/* Followers that lose their leader together campaign one after the other, in the order of the
 * configuration: each gives those before it the time that a round of votes takes. */
void raft_election_deadline_hasten(struct raft *raft, enum raft_election_cause cause);
