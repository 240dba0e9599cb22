/* Which nodes shall hold a shard, and how the cluster is brought to it. */
#pragma once
#include "cli/cluster/order.h"

struct wish {
    uint32_t shard, nodes[TOPOLOGY_REPLICA_MAXIMUM];
    unsigned count;
};

/* Exit codes, as in order.h. Asks for it, and does not wait. */
int replicas_ask(const struct order *order, const char *refused,
                 const struct wish *wish) MUST_CHECK;
/* Asks for it and waits until it is so. */
int replicas_make(struct order *order, const struct wish *wish) MUST_CHECK;

/* The first operand, "3". */
int replicas_read_shard(const struct order *order, uint32_t *shard) MUST_CHECK;
/* Is there such a shard? False with `problem` (CLIENT_PROBLEM_BYTES). */
bool replicas_has_shard(const struct status *cluster, uint32_t shard, char *problem);
/* The node's number; 0: no node of the cluster is there. */
uint32_t replicas_node_at(const struct status *cluster, const struct net_address *client);
