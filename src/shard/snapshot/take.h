/* A snapshot of this replica, taken to let its log go. The order is always: chunks durable and read
 * back -> manifest durable -> its mark in the WAL durable -> the log before it released, and what
 * the snapshot before it alone named removed (etcd #10219).
 *
 *   NONE --> SAVING some of the cut each turn, one chunk a job --> NAMING --> MARKING --> NONE */
#pragma once
#include "shard/state/state.h"

/* As shard_take_snapshot(), shard_release_log(), shard_replace_snapshot(). */
void take_now(struct shard *shard);
void take_to_release_log(struct shard *shard, uint64_t log_bytes);
void take_anew(struct shard *shard, const struct snapshot_chunk *chunk);
void shard_maybe_snapshot(struct shard *shard); /* if the log has grown enough, in its turn */
/* One behind which the whole log stays in memory. */
void shard_take_snapshot_and_log(struct shard *shard);
void shard_tick_own(struct shard *shard, uint64_t now_us);
uint64_t shard_own_deadline_us(const struct shard *shard);
void shard_release_own(struct shard *shard);
void shard_give_up_cut(struct shard *shard); /* the machine it is cut from goes */
/* Files that nothing names go, unless a snapshot is being made or comes in: the next one does it.
 */
void shard_tidy_snapshots(struct shard *shard);
