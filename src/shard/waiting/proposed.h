/* Who waits for what was proposed, until its fate is known or it is given up. */
#pragma once
#include "shard/state/state.h"

/* Where the last command proposed so far stands or will stand. */
raft_index shard_next_index(const struct shard *shard);
/* Other entries came between what was proposed so far and the batch that is being gathered. */
void shard_batch_moved(struct shard *shard, raft_index from, raft_index by);
/* Its commands became an entry, or are refused. Who waits for them stays. */
void shard_clear_batch(struct shard *shard);
/* The oldest waiter, who leaves the queue. */
struct shard_waiter shard_take_waiter(struct shard *shard);

/* ---- told that it was not, or that nobody knows ---- */

void shard_refuse_batch(struct shard *shard);
void shard_refuse_last_entry(struct shard *shard);
void shard_give_up_late(struct shard *shard, uint64_t now_us);
/* A snapshot covers these: their fate is unknown. */
void shard_forget_covered(struct shard *shard, raft_index index);
/* The next entry of this leader will stand there: entries of its earlier leadership do not. */
void shard_give_up_overtaken(struct shard *shard, raft_index index);
/* Those that have come to the front of the queue leave it. */
void shard_drop_overtaken(struct shard *shard);
