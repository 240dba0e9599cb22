/* What a replica knows of itself, for its own files; owners ask by raft.h. */
#pragma once
#include "raft/state.h"

/* A replica that was removed has forgotten what it acknowledged, but not how far that went. */
bool raft_is_below_floor(const struct raft *raft);
