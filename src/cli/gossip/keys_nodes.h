/* Nodes that belong to the cluster by its topology and that no member lives as: a node that was
 * stopped in good order has left, as an agent does that never comes back, and comes back with the
 * keys that it had. */
#pragma once
#include "cli/gossip/keys_members.h"

/* Adds them, as members that are away. Where no living member tells of a topology there are none.
 */
void keys_nodes_add_absent(struct keys_members *all);
