/* The log of this replica, and which of it is on disk. Durability is asynchronous: every step that
 * has something to save is one save with the next number; any number of them may be under way. What
 * depends on a save is told only once it is durable, so the index and the state each remember the
 * save that they wait for. */
#pragma once
#include "raft/state/state.h"

void raft_state_save(struct raft *raft);
void raft_entry_append(struct raft *raft, struct raft_entry *entry); /* takes */
void raft_suffix_truncate(struct raft *raft, raft_index from);
void raft_history_replace(struct raft *raft, raft_index base_index, raft_term base_term);
void raft_commit_set(struct raft *raft, raft_index index);
void raft_saves_finish(struct raft *raft);
void raft_durable(struct raft *raft, uint64_t save_sequence);
/* The save that must be durable before anybody is told of the entries up to `index`; 0: it is. */
uint64_t raft_save_of_index(const struct raft *raft, raft_index index);
