/* Commands of one turn become one entry, or several. */
#pragma once
#include "shard/shard.h"

/* Adds a command to the batch, with its trace id if it has one, as shard_propose() does. */
int propose_command(struct shard *shard, const struct bytes *arguments, size_t count,
                    struct bytes trace, struct shard_waiter waiter) MUST_CHECK;
void propose_batch(struct shard *shard); /* as one entry */
void shard_expire_keys(struct shard *shard, struct bytes length_prefixed_keys);
