#include "sim/run/ending.h"
#include "cluster/topology.h"
#include "shard/shard.h"
#include "sim/cluster/node.h"
#include "sim/operator/settings.h"

static bool have_given_up_ended(const struct simulation *simulation, struct buffer *problem) {
    for (unsigned node = 0; node < simulation->node_count; node++)
        if (simulation->nodes[node]->is_given_up && simulation->nodes[node]->is_up) {
            buffer_append_format(problem, "node %u was taken out, or given up, and goes on",
                                 node + 1);
            return false;
        }
    return true;
}

/* Who was added has heard so, and follows. */
static bool do_members_know(const struct simulation *simulation, struct buffer *problem) {
    const struct topology *newest = sim_topology(simulation);
    for (unsigned i = 0; newest && i < simulation->node_count; i++) {
        const struct topology *known = sim_node_topology(simulation->nodes[i]);
        if (topology_node(newest, i + 1) && (known == NULL || known->epoch != newest->epoch)) {
            buffer_append_format(problem, "node %u does not know the topology that it is in",
                                 i + 1);
            return false;
        }
    }
    return true;
}

/* What is to be seen of a shard's replicas. */
struct shard_look {
    unsigned count;
    uint64_t lowest, highest; /* applied */
    uint64_t hash;            /* of the data of one of them */
    bool is_equal;            /* they hold the same data, all of it */
};

static struct shard_look look_at(const struct simulation *simulation, uint32_t number) {
    struct shard_look look = {.lowest = UINT64_MAX, .is_equal = true};
    for (unsigned node = 0; node < simulation->node_count; node++) {
        struct shard *shard = sim_node_replica(simulation->nodes[node], number);
        if (shard == NULL)
            continue;
        uint64_t applied = shard_applied_index(shard), hash = shard_state_hash(shard);
        look.lowest = applied < look.lowest ? applied : look.lowest;
        look.highest = applied > look.highest ? applied : look.highest;
        look.is_equal =
            look.is_equal && (look.count == 0 || hash == look.hash) && shard_is_settled(shard);
        look.hash = hash;
        look.count++;
    }
    return look;
}

static bool is_shard_right(const struct simulation *simulation, uint32_t number,
                           struct buffer *problem) {
    const struct topology *topology = sim_topology(simulation);
    bool is_settled = topology && topology->shards[number].is_settled;
    unsigned wanted = topology ? topology->shards[number].replica_count : 0;
    struct shard_look look = look_at(simulation, number);
    if (look.count != wanted || !is_settled || look.lowest != look.highest) {
        buffer_append_format(problem, "shard %u: %u of %u replicas%s, applied from %llu to %llu",
                             number, look.count, wanted, is_settled ? "" : " (not settled)",
                             (unsigned long long)look.lowest, (unsigned long long)look.highest);
        return false;
    }
    if (!look.is_equal) {
        buffer_append_format(problem,
                             "shard %u: replicas hold different data at applied index %llu", number,
                             (unsigned long long)look.highest);
        return false;
    }
    return true;
}

bool ending_is_reached(const struct simulation *simulation, struct buffer *problem) {
    if (!have_given_up_ended(simulation, problem) || !do_members_know(simulation, problem))
        return false;
    for (uint32_t number = 0; number <= simulation->shard_count; number++)
        if (!is_shard_right(simulation, number, problem))
            return false;
    return settings_are_followed(simulation, problem);
}
