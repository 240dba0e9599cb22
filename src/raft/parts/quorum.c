#include "raft/parts/quorum.h"

#include "base/check.h"
#include "base/planted.h"

static uint64_t half_quorum(uint8_t count, const raft_node_number *nodes,
                            raft_quorum_value *value_of, const void *context) {
    uint64_t sorted[RAFT_VOTER_MAXIMUM]; /* largest first */
    CHECK(count <= RAFT_VOTER_MAXIMUM);
    for (unsigned i = 0; i < count; i++) {
        uint64_t value = value_of(context, nodes[i]);
        unsigned at = i;
        for (; at > 0 && sorted[at - 1] < value; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = value;
    }
    return count ? sorted[count / 2] : 0;
}

uint64_t raft_quorum(const struct raft_configuration *configuration, raft_quorum_value *value_of,
                     const void *context) {
    uint64_t value =
        half_quorum(configuration->voter_count, configuration->voters, value_of, context);
    if (configuration->old_voter_count == 0 || PLANTED(JOINT_BY_NEW_VOTERS))
        return value;
    uint64_t old_value =
        half_quorum(configuration->old_voter_count, configuration->old_voters, value_of, context);
    return value < old_value ? value : old_value;
}
