/* Who would rather not lead: a node with a slow disk, one that is about to stop, one that started a
 * moment ago and is behind. It lets the others go first, and gives the lead away once somebody else
 * is better placed (move.h). All of this only orders those who may lead: nobody is kept from an
 * election that is needed, and votes know nothing of it. */
#pragma once
#include "raft/state/state.h"

void raft_standing_take(struct raft *raft, raft_node_number node, enum raft_standing standing);
/* How `node` stands, as last told; RAFT_WILLING if never. */
enum raft_standing raft_standing_of(const struct raft *raft, raft_node_number node);
/* Does it wait until others have had their turn? */
bool raft_stands_back(const struct raft *raft);
