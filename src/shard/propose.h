/* Commands of one turn become one entry, or several, and those who wait for them are remembered
 * until their fate is known. */
#pragma once
#include "shard/state.h"

/* Other entries came between what was proposed so far and the batch that is being gathered. */
void shard_batch_moved(struct shard *shard, raft_index from, raft_index by);
/* Where the last command proposed so far stands or will stand. */
raft_index shard_next_index(const struct shard *shard);
void shard_expire_keys(struct shard *shard, struct bytes length_prefixed_keys);
/* The oldest waiter, who leaves the queue. */
struct shard_waiter shard_take_waiter(struct shard *shard);
void shard_refuse_batch(struct shard *shard);
void shard_refuse_last_entry(struct shard *shard);
void shard_give_up_late(struct shard *shard, uint64_t now_us);
/* A snapshot covers these: their fate is unknown. */
void shard_forget_covered(struct shard *shard, raft_index index);
