/* One step of raft, and what it asks for, in the order save, send, answer, apply. A message that
 * promises something is held back until what it promises is durable. */
#pragma once
#include "shard/state.h"

/* What raft says to a proposal. By this one door what stands below comes up again: whoever gives
 * raft an event may find that it applied entries, answered, or began a snapshot meanwhile. */
int shard_step(struct shard *shard, struct raft_event *event);
void shard_count_move(struct shard *shard, const char *cause); /* of the lead to another node */
