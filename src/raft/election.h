/* Who leads. Pre-vote (CBTR 9.6) keeps a node that was cut off from raising terms; check-quorum
 * (6.2) makes a leader that was cut off step down; stickiness (4.2.3) refuses votes while a leader
 * was heard lately, on which leases rest too. */
#pragma once
#include "raft/state/state.h"

bool raft_may_campaign(const struct raft *raft);
void raft_election_tick(struct raft *raft);
void raft_quorum_tick(struct raft *raft);
/* A candidate is its own voter once that vote is durable. */
void raft_own_vote_count(struct raft *raft);
void raft_pre_vote_receive(struct raft *raft, const struct raft_message *message);
void raft_pre_vote_reply_receive(struct raft *raft, const struct raft_message *message);
void raft_vote_receive(struct raft *raft, const struct raft_message *message);
void raft_vote_reply_receive(struct raft *raft, const struct raft_message *message);
/* The leader gives the lead to this replica (transfer.h). */
void raft_timeout_now_receive(struct raft *raft, const struct raft_message *message);
