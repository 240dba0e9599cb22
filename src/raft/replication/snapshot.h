/* What the log begins with: compaction here, and followers that need a snapshot because of it. The
 * memory of the log may begin later than what the newest snapshot covers (RAFT_FORGET): the disk
 * has the rest, and only a voter that lags behind needs it. */
#pragma once
#include "raft/state/state.h"

void raft_snapshot_sent(struct raft *raft, raft_node_number node, raft_index index, bool is_failed);
void raft_snapshot_installed(struct raft *raft, const struct raft_event *event);
void raft_compact(struct raft *raft, raft_index snapshot_index);
void raft_forget(struct raft *raft, const struct raft_event *event);
