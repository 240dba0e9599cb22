/* Raft is given an event. When all that it asked for is done, reads and WAIT are looked at, which
 * may have come due by it: then, and not in the midst of the step, as a read may give raft an event
 * as well. */
#pragma once
#include "shard/shard.h"

struct raft_event;

/* What raft says to a proposal. */
int shard_give(struct shard *shard, struct raft_event *event);
/* Of who has stepped raft by another way: the end of that. */
void shard_settle(struct shard *shard);
