/* A leader that would rather not lead, or that only stands in for another, gives the lead to who is
 * better placed, with a pause between such moves. */
#pragma once
#include "raft/state/state.h"

void raft_move_tick(struct raft *raft);
