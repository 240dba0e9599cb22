#include "raft/events/configuration.h"

#include "base/check.h"
#include "base/cursor.h"

static void nodes_encode(uint8_t count, const raft_node_number *nodes, struct buffer *out) {
    CHECK(count <= RAFT_VOTER_MAXIMUM);
    buffer_append_u8(out, count);
    for (unsigned i = 0; i < count; i++)
        buffer_append_u32(out, nodes[i]);
}

void raft_configuration_encode(const struct raft_configuration *configuration, struct buffer *out) {
    nodes_encode(configuration->voter_count, configuration->voters, out);
    nodes_encode(configuration->old_voter_count, configuration->old_voters, out);
    nodes_encode(configuration->learner_count, configuration->learners, out);
    if (configuration->wish)
        buffer_append_u64(out, configuration->wish);
}

bool raft_nodes_contain(uint8_t count, const raft_node_number *nodes, raft_node_number node) {
    for (unsigned i = 0; i < count; i++)
        if (nodes[i] == node)
            return true;
    return false;
}

/* Nobody may stand twice in one list, or a majority could be counted from one node. */
static bool nodes_decode(struct cursor *cursor, uint8_t *count, raft_node_number *nodes) {
    uint8_t wanted_count = cursor_u8(cursor);
    if (wanted_count > RAFT_VOTER_MAXIMUM)
        return false;
    for (*count = 0; *count < wanted_count; (*count)++) {
        raft_node_number node = cursor_u32(cursor);
        if (node == 0 || raft_nodes_contain(*count, nodes, node))
            return false;
        nodes[*count] = node;
    }
    return true;
}

int raft_configuration_decode(struct raft_configuration *configuration, struct bytes in) {
    struct cursor cursor = cursor_of(in);
    *configuration = (struct raft_configuration){0};
    if (!nodes_decode(&cursor, &configuration->voter_count, configuration->voters) ||
        !nodes_decode(&cursor, &configuration->old_voter_count, configuration->old_voters) ||
        !nodes_decode(&cursor, &configuration->learner_count, configuration->learners))
        return ERR_MALFORMED;
    if (cursor_left(&cursor) > 0) {
        configuration->wish = cursor_u64(&cursor);
        if (configuration->wish == 0)
            return ERR_MALFORMED;
    }
    return cursor_finish(&cursor);
}

bool raft_configuration_has_voter(const struct raft_configuration *configuration,
                                  raft_node_number node) {
    return raft_nodes_contain(configuration->voter_count, configuration->voters, node) ||
           raft_nodes_contain(configuration->old_voter_count, configuration->old_voters, node);
}

bool raft_configuration_keeps_voter(const struct raft_configuration *configuration,
                                    raft_node_number node) {
    return raft_nodes_contain(configuration->voter_count, configuration->voters, node);
}

bool raft_configuration_has_learner(const struct raft_configuration *configuration,
                                    raft_node_number node) {
    return raft_nodes_contain(configuration->learner_count, configuration->learners, node);
}

bool raft_configuration_is_sole_voter(const struct raft_configuration *configuration,
                                      raft_node_number node) {
    return configuration->voter_count == 1 && configuration->old_voter_count == 0 &&
           configuration->voters[0] == node;
}

void raft_configuration_each_member(const struct raft_configuration *configuration,
                                    void (*visit)(void *context, raft_node_number node),
                                    void *context) {
    for (unsigned i = 0; i < configuration->voter_count; i++)
        visit(context, configuration->voters[i]);
    for (unsigned i = 0; i < configuration->old_voter_count; i++)
        if (!raft_nodes_contain(configuration->voter_count, configuration->voters,
                                configuration->old_voters[i]))
            visit(context, configuration->old_voters[i]);
    for (unsigned i = 0; i < configuration->learner_count; i++)
        if (!raft_configuration_has_voter(configuration, configuration->learners[i]))
            visit(context, configuration->learners[i]);
}
