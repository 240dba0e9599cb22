/* Becoming and being a follower: of a newer term, of a leader that is heard, or is lost. */
#pragma once
#include "raft/state/state.h"

/* Leads no more, and campaigns no more. */
void raft_follow(struct raft *raft, raft_term term, raft_node_number leader);
/* Follows a newer term; false if the message's term is an old one. */
bool raft_term_observe(struct raft *raft, const struct raft_message *message);
void raft_leader_heard(struct raft *raft);
void raft_leader_lost(struct raft *raft, enum raft_election_cause cause);
/* A line in the log about who leads. */
void raft_leader_line(const struct raft *raft, const char *text);
