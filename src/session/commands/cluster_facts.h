/* What CLUSTER tells, in the words of Redis Cluster: a node is the master of the slots whose shards
 * it leads, as far as is known here (worker/leaders.h). One that leads nothing is the slave of a
 * leader whose shard it follows. Where no leader is known, nobody is said to serve the slots. There
 * must be a topology, but for cluster_master_of(). */
#pragma once
#include "worker/worker.h"

enum node_health {
    NODE_IS_WELL,
    NODE_IS_SUSPECT,
    NODE_HAS_FAILED,
    NODE_IS_UNHEARD /* by gossip, since the start */
};

uint32_t cluster_leader_of(const struct worker *worker, uint32_t shard); /* 0: unknown */
/* All slots whose shards the node leads. False: none. */
bool cluster_led_slots(const struct worker *worker, uint32_t node, struct slot_set *slots);
bool cluster_leads_any(const struct worker *worker, uint32_t node);
/* Of which node a node that leads nothing is the slave; 0: of none, `node` is a master itself. */
uint32_t cluster_master_of(const struct worker *worker, uint32_t node);
/* Terms stand for the epochs of Redis: the higher one's claim to a slot is the newer. */
uint64_t cluster_epoch_of(const struct worker *worker, uint32_t node);
/* As gossip knows it; NULL: it was not heard of. */
const struct member_view_entry *cluster_member_of(const struct worker *worker,
                                                  const struct topology_node *node);
enum node_health cluster_health_of(const struct worker *worker, const struct topology_node *node);
