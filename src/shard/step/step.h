/* One step of raft, and what it asks for, in the order save, send, answer, apply. A message that
 * promises something is held back until what it promises is durable. Reads and WAIT, which may have
 * come due by it, are run when the event is over (give.h). */
#pragma once
#include "shard/state/state.h"

/* What raft says to a proposal. */
int shard_step(struct shard *shard, struct raft_event *event);
void shard_count_move(struct shard *shard, const char *cause); /* of the lead to another node */
