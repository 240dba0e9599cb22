/* Replies that are ready and may not be told yet: what they say rests on entries that a majority
 * has received but does not have on disk. They leave in order once that is committed. */
#pragma once
#include "shard/state/state.h"

/* Tells what stands in `scratch`, from a read or from what is being applied, now or when it may. */
void shard_reply(struct shard *shard, const struct shard_waiter *waiter, bool is_read);
void shard_release_held(struct shard *shard);
void shard_give_up_held(struct shard *shard);
bool shard_held_is_awaited(const struct shard *shard);
void shard_time_out_held(struct shard *shard, uint64_t now_us);
bool shard_held_is_full(const struct shard *shard);
