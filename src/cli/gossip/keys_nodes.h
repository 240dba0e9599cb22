/* What the cluster's topology knows better than gossip. A node that was stopped in good order has
 * left, as an agent does that never comes back; but it comes back, with the keys that it had. One
 * that was removed is remembered as dead for a day, and never comes back. */
#pragma once
#include "cli/gossip/keys_members.h"

/* Adds the nodes that no member lives as, as members that are away, and takes out the dead that
 * were removed from the cluster. Where no living member tells of a topology nothing is changed. */
void keys_nodes_correct(struct keys_members *all);
