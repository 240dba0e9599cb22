
#pragma once
#include "shard/state.h"

void shard_stand_at(struct shard *shard, const struct snapshot_meta *meta);
/* The watch begins anew: what it notes, by slot and part, has changed since the newest snapshot. */
void shard_watch_from_newest(struct shard *shard);
int shard_configuration_of(const struct shard *shard, const struct snapshot_meta *meta,
                           struct raft_configuration *configuration) MUST_CHECK;
int shard_recover(struct shard *shard, struct shard_recovery *recovery,
                  const struct shard_options *options, struct buffer *problem) MUST_CHECK;
