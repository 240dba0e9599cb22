#include "shard/state/look.h"

bool shard_leads(const struct shard *shard) { return raft_role(shard->raft) == RAFT_LEADER; }

bool shard_has_settled(const struct shard *shard) {
    return shard->applied_index <= raft_commit_index(shard->raft) && !shard_is_hollow(shard);
}

bool shard_may_expire(const struct shard *shard) {
    return shard->machine->ops->may_expire && shard->machine->ops->may_expire(shard->machine);
}

bool shard_is_rewinding(const struct shard *shard) { return shard->rewind.stage != REWIND_NONE; }

bool shard_is_hollow(const struct shard *shard) { return shard->rewind.stage == REWIND_LOADING; }

bool shard_is_log_whole(const struct shard *shard) {
    return raft_first_index(shard->raft) <= shard->snapshot_index + 1;
}
