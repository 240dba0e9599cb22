/* Who votes. `old_voters` is empty unless a joint configuration is in force (CBTR 4.3): then every
 * majority is one of both halves. Learners receive the log and do not vote. A replica that is new
 * begins with nobody in it, so it never campaigns before the log tells who votes. Encoded: u8 count
 * + u32 each, for voters, old_voters, learners. */
#pragma once
#include "base/error.h"
#include "raft/events/entry.h"

enum { RAFT_VOTER_MAXIMUM = 16 };
enum { RAFT_CONFIGURATION_BYTES_MAXIMUM = 3 * (1 + 4 * RAFT_VOTER_MAXIMUM) + 8 };

struct raft_configuration {
    uint8_t voter_count, old_voter_count, learner_count;
    raft_node_number voters[RAFT_VOTER_MAXIMUM];
    raft_node_number old_voters[RAFT_VOTER_MAXIMUM];
    raft_node_number learners[RAFT_VOTER_MAXIMUM];
    /* Which wish of the owner's it fulfils, or is on the way to: opaque to raft, 0 for none, and
     * never falling along the log, so that a leader who has not heard of a newer wish cannot undo
     * it. */
    uint64_t wish;
};

/* Is the node among these? */
bool raft_nodes_contain(uint8_t count, const raft_node_number *nodes, raft_node_number node);
void raft_configuration_encode(const struct raft_configuration *configuration, struct buffer *out);
int raft_configuration_decode(struct raft_configuration *configuration, struct bytes in) MUST_CHECK;
bool raft_configuration_has_voter(const struct raft_configuration *configuration,
                                  raft_node_number node);
/* Calls visit(context, node) once for each member: voters, old voters, learners. */
void raft_configuration_each_member(const struct raft_configuration *configuration,
                                    void (*visit)(void *context, raft_node_number node),
                                    void *context);
/* A voter that a joint configuration does not part from. */
bool raft_configuration_keeps_voter(const struct raft_configuration *configuration,
                                    raft_node_number node);
bool raft_configuration_has_learner(const struct raft_configuration *configuration,
                                    raft_node_number node);
bool raft_configuration_is_sole_voter(const struct raft_configuration *configuration,
                                      raft_node_number node);
