/* Which replicas stand on this node: what stands here follows the topology, and who votes
 * follows it too. */
#pragma once
#include "worker/worker.h"

int replicas_place(struct worker *worker, struct buffer *problem) MUST_CHECK;
void replicas_tick(struct worker *worker);
void replicas_durable(struct worker *worker, uint64_t wal_sequence);
/* Control shard's leader: what a member says by gossip. */
void replicas_hear_settled(struct worker *worker, const char *told);
