/* Disks that are full for a while: files grow by a little and then no more. The node must not end
 * itself over that; it refuses writes and goes on with what it kept back. */
#pragma once
#include "sim/cluster/node.h"

/* Longer, if it is full already. */
void full_disk_begin(struct sim_node *node);
void full_disk_begin_for(struct sim_node *node, uint64_t for_us);
void full_disk_end(struct sim_node *node);
/* May it be why the node ended itself, or did not start? */
bool full_disk_is_blamed(const struct sim_node *node);
