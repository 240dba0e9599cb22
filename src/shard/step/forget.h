/* The memory of the log. What is applied here, durable here and known to all voters serves only
 * those who will need it later: a voter that lags when this replica comes to lead. So the newest
 * log-memory-bytes stay, and the rest is forgotten long before a snapshot lets it go from the disk.
 *
 *     snapshot <= forgotten <= applied index        on disk: all behind the snapshot
 *
 * Two still need the whole log behind the newest snapshot in memory: a leader that runs ahead of
 * the disks, to go back (early.c), and the archive of a backup, whoever leads then. */
#pragma once
#include "shard/state/state.h"

/* Is there something to forget? Then `event` tells raft of it. */
bool shard_may_forget(const struct shard *shard, struct raft_event *event);
void shard_note_early(struct shard *shard, uint64_t now_us);
