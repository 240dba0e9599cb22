/* Becoming and being a follower: of a newer term, of a leader that is heard, or is lost. */
#pragma once
#include "raft/state/state.h"

/* Leads no more, and campaigns no more. */
void raft_follow(struct raft *raft, raft_term term, raft_node_number leader);
/* Follows a newer term; false if the message's term is an old one. */
bool raft_term_observe(struct raft *raft, const struct raft_message *message);
/* The shard was recovered (raft_recover) behind the end of this log: what is committed here need
 * not stand in the leader's log, 5.4 says nothing of that. Until something of the leader's age is
 * taken over here: by what went before that (5.3) the logs are one. */
bool raft_is_in_doubt(const struct raft *raft);
void raft_leader_heard(struct raft *raft);
void raft_leader_lost(struct raft *raft, enum raft_election_cause cause);
/* A line in the log about who leads. */
void raft_leader_line(const struct raft *raft, const char *text);
