/* From a proposal to its commit: what a leader appends, the replies to it, and what a majority has
 * thereby. */
#pragma once
#include "raft/state/state.h"

void raft_propose(struct raft *raft, struct raft_entry *entry);
void raft_append_reply_receive(struct raft *raft, const struct raft_message *message);
void raft_commit_advance(struct raft *raft);
