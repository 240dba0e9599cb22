/* Leadership given away (CBTR 3.10): proposals stop, the successor catches up, and is told to
 * campaign at once. */
#pragma once
#include "raft/state/state.h"

void raft_transfer(struct raft *raft, raft_node_number node);
/* The voter to give the lead to: heard lately, the most willing, then the most caught-up. 0: none.
 */
raft_node_number raft_successor(const struct raft *raft);
void raft_transfer_continue(struct raft *raft);
void raft_transfer_tick(struct raft *raft);
