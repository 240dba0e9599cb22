/* A replica at start: of what the log says of it (struct shard_recovery) and of its newest
 * snapshot; and what a replica that takes another snapshot needs of the same. */
#pragma once
#include "shard/state.h"

/* The machine holds that snapshot, which is durable here. */
void shard_stand_at(struct shard *shard, const struct snapshot_meta *meta);
/* The watch begins anew: what it notes, by slot and part, has changed since the newest snapshot. */
void shard_watch_from_newest(struct shard *shard);
/* Who votes, by the snapshot. ERR_MALFORMED: nobody would. */
int shard_configuration_of(const struct shard *shard, const struct snapshot_meta *meta,
                           struct raft_configuration *configuration) MUST_CHECK;
/* Makes shard->raft, and fills the machine. As shard_new(), but `recovery` stays the caller's; its
 * entries are raft's from then on. */
int shard_recover(struct shard *shard, struct shard_recovery *recovery,
                  const struct shard_options *options, struct buffer *problem) MUST_CHECK;
