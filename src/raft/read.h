/* Linearizable reads (CBTR 6.4): by a lease on the clock, or by a round of heartbeats that all
 * reads waiting share. */
#pragma once
#include "raft/state/state.h"

void raft_read(struct raft *raft, uint64_t read_id);
void raft_reads_continue(struct raft *raft);
void raft_read_index_receive(struct raft *raft, const struct raft_message *message);
void raft_read_index_reply_receive(struct raft *raft, const struct raft_message *message);
