/* Reads that wait, and what raft says of the index that they asked for. */
#pragma once
#include "shard/state/state.h"

void shard_answer_reads(struct shard *shard, const struct raft_read_answer *answers, size_t count);
void shard_refuse_reads(struct shard *shard); /* those that this replica took as leader */
void shard_refuse_late_reads(struct shard *shard, uint64_t now_us);
