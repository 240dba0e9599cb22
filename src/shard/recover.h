/* A replica at start: of what the log says of it (struct shard_recovery) and of its newest
 * snapshot. */
#pragma once
#include "shard/shard.h"

/* Makes shard->raft, and fills the machine. As shard_new(), but `recovery` stays the caller's; its
 * entries are raft's from then on. */
int shard_recover(struct shard *shard, struct shard_recovery *recovery,
                  const struct shard_options *options, struct buffer *problem) MUST_CHECK;
