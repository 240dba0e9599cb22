/* The lives of a node. It dies at any moment: what it had in memory is gone, what its disks kept is
 * there at its next start. */
#pragma once
#include "sim/cluster/node.h"

struct sim_node *sim_node_new(struct simulation *simulation, unsigned index);
void sim_node_free(struct sim_node *node); /* must be down, or is killed */
void sim_node_start(struct sim_node *node);
/* The node ends now: muted at once, buried by the next event, so that it can be called from within
 * the node. */
void sim_node_kill(struct sim_node *node, enum sim_death death);
void sim_node_restart_at(struct sim_node *node, uint64_t at_us);
