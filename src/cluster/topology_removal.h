/* Nodes that are out of the cluster for ever. Their numbers and UUIDs are kept, so that no number
 * is given twice, and a node that comes back is known for what it is. For topology_codec.c
 * and topology_command.c. */
#pragma once
#include "cluster/topology_private.h"

void topology_removal_encode(const struct topology *topology, struct buffer *out);
int topology_removal_decode(struct topology *topology, struct cursor *in) MUST_CHECK;
uint32_t topology_removed_highest(const struct topology *topology);

/* node.remove and nodes.lost: see topology.h. */
int topology_apply_node_remove(struct topology *topology, const struct bytes *arguments,
                               size_t count) MUST_CHECK;
int topology_apply_nodes_lost(struct topology *topology, const struct bytes *arguments,
                              size_t count) MUST_CHECK;
