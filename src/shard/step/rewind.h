/* Going back. A leader that ran ahead of the commit (early.c) and lost its lead has applied what
 * another leader's log then took the place of. Its machine is built anew, from the newest snapshot
 * and the committed log behind it; bit by bit, so that the other shards of its loop go on.
 *
 *   NONE -- truncated --> LOADING chunk by chunk --> APPLYING some entries a turn --> NONE
 *
 * While it loads, the machine is neither the old state nor the new: nothing is applied to it, read
 * from it or saved of it. From then on it is a replica that lags. A newer snapshot that becomes
 * durable meanwhile lets the log go that is needed from the older one, so it begins again with
 * that.
 *
 * A replica that has much to apply at once, as after a start, catches up in the same way, with the
 * machine that it has (apply.c): it begins with APPLYING. */
#pragma once
#include "shard/state/state.h"

/* The log lost its end from there on: so must the machine, if it has that. May step raft. */
void shard_rewind(struct shard *shard, raft_index truncated_from);
/* A newer snapshot is on the shelf: who goes back begins with that. */
void shard_rewind_to_newest(struct shard *shard);
void shard_tick_rewind(struct shard *shard, uint64_t now_us);
uint64_t shard_rewind_deadline_us(const struct shard *shard);
void shard_end_rewind(struct shard *shard); /* where it stands */
