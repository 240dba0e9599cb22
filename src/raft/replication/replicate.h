/* How a leader brings its log to the others: what each may be sent now, and heartbeats. */
#pragma once
#include "raft/state/state.h"

void raft_replicate(struct raft *raft, struct raft_progress *peer);
void raft_replicate_all(struct raft *raft);
void raft_heartbeat_all(struct raft *raft);
void raft_heartbeat_tick(struct raft *raft);
