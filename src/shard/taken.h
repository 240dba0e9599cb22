/* A snapshot of this replica is whole and durable, mark and all (take.h): it takes the place of the
 * one before, and lets the log before it go. */
#pragma once
#include "shard/shard.h"

void shard_own_snapshot_durable(struct shard *shard, uint64_t wal_sequence);
