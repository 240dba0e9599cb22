/* For how long others have promised their votes, as a leader counts on it, and for how long this
 * replica has promised its own (CBTR 6.4.1). While a shard is quiet the heartbeats of the pair of
 * nodes (parts/pair.h) are worth what appends would be. */
#pragma once
#include "raft/state/state.h"

/* NULL: there is none with it. */
struct raft_pair *raft_pair_with(const struct raft *raft, raft_node_number peer);
/* What own appends, and those that a pair's heartbeats stood in for, are worth together. */
uint64_t raft_peer_lease_until_us(const struct raft *raft, const struct raft_progress *peer);
uint64_t raft_progress_heard_us(const struct raft *raft, const struct raft_progress *peer);
uint64_t raft_promised_until_us(const struct raft *raft);
/* A quiet follower: an equal heartbeat came since it is quiet. */
bool raft_has_heard_pair(const struct raft *raft);

void raft_lease_renew(struct raft *raft);
/* Of the leader: may it answer a read by itself (raft_has_lease())? */
bool raft_lease_covers(const struct raft *raft, uint64_t now_us);
