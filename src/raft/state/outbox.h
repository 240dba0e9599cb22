/* What the step in hand has to tell, gathered until it ends: messages, answers to reads, followers
 * that need a snapshot. */
#pragma once
#include "raft/state/state.h"

/* The message is valid until the next push; from, to and term are filled in. */
struct raft_message *raft_message_push(struct raft *raft, enum raft_message_kind kind,
                                       raft_node_number to, uint64_t after_save);
void raft_answer_push(struct raft *raft, uint64_t read_id, raft_index index, bool is_refused);
/* Said once: until the transfer ends the follower gets heartbeats only. */
void raft_snapshot_want(struct raft *raft, struct raft_progress *peer);
