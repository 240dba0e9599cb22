/* The operator who moves replicas: asks for other ones of a shard, whatever else goes wrong, takes
 * spares into the cluster, as `trothdb cluster add` does, and whole nodes out of it, shard by
 * shard, as `trothdb cluster remove` does. Nothing that was acknowledged may be lost by it, who was
 * added must come to know the topology, and who was taken out must end for good. */
#pragma once
#include "sim/cluster/simulation.h"

struct membership;
struct membership *membership_new(struct simulation *simulation);
void membership_free(struct membership *membership);
/* Asks the control shard's leader, if there is one to ask, for some nodes by lot to hold some
 * shard, the control shard among them. What becomes of it is the cluster's matter. */
void membership_change(struct membership *membership);
/* Begins to add the next spare, if there is one: it is started, and asked for until it is one of
 * the nodes. Then it is a node like all others. */
void membership_add_node(struct membership *membership);
/* Begins to take a node by lot out, if enough are left; one at a time. */
void membership_remove_node(struct membership *membership);
