/* The operator who moves replicas: asks for other ones of a shard, whatever else goes wrong, and
 * takes whole nodes out of the cluster, shard by shard, as `trothdb cluster remove` does. Nothing
 * that was acknowledged may be lost by it, and who was taken out must end for good. */
#pragma once
#include "sim/cluster/simulation.h"

struct membership;
struct membership *membership_new(struct simulation *simulation);
void membership_free(struct membership *membership);
/* Asks the control shard's leader, if there is one to ask, for some nodes by lot to hold some
 * shard, the control shard among them. What becomes of it is the cluster's matter. */
void membership_change(struct membership *membership);
/* Begins to take a node by lot out, if enough are left; one at a time. */
void membership_remove_node(struct membership *membership);
