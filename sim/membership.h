/* The operator of a run: asks the cluster for other replicas of a shard, whatever else goes wrong.
 */
#pragma once
#include "sim/simulation.h"

struct membership;
struct membership *membership_new(struct simulation *simulation);
void membership_free(struct membership *membership);
/* Asks the control shard's leader, if there is one to ask, for some nodes by lot to hold some
 * shard, the control shard among them. What becomes of it is the cluster's matter. */
void membership_change(struct membership *membership);
/* By the newest topology that a node knows: how many replicas the shard has, and whether that is
 * settled. */
unsigned membership_replica_count(const struct simulation *simulation, uint32_t shard,
                                  bool *is_settled);
