/* Majorities. Every rule of Raft that says "a majority" asks here, so that a joint configuration
 * (CBTR 4.3) needs a majority of both halves everywhere. */
#pragma once
#include "raft/events/configuration.h"

typedef uint64_t raft_quorum_value(const void *context, raft_node_number node);

/* The largest value that a majority of the voters (and of the old voters, if there are any)
 * reaches: of match indexes, what is replicated; of clock readings, since when a quorum is known;
 * of votes as 0 and 1, whether they suffice. 0 for a configuration without voters. */
uint64_t raft_quorum(const struct raft_configuration *configuration, raft_quorum_value *value_of,
                     const void *context);
