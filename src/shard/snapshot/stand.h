/* A replica that stands where a snapshot does: at start, when it takes one from the leader, and
 * when it goes back. */
#pragma once
#include "shard/state/state.h"

/* The machine holds that snapshot, which is durable here. */
void shard_stand_at(struct shard *shard, const struct snapshot_meta *meta);
/* The watch begins anew: what it notes, by slot and part, has changed since the newest snapshot. */
void shard_watch_from_newest(struct shard *shard);
/* Who votes, by the snapshot. ERR_MALFORMED: nobody would. */
int shard_configuration_of(const struct shard *shard, const struct snapshot_meta *meta,
                           struct raft_configuration *configuration) MUST_CHECK;
