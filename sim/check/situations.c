#include "sim/check/situations.h"
#include "base/memory.h"
#include "shard/shard.h"
#include "sim/cluster/node.h"

/* A replica as it was seen last; zeroed in a life in which it was not. */
struct replica_view {
    bool is_here, is_leader;
    struct raft_configuration configuration;
};

struct shard_situations {
    struct replica_view views[SIM_NODE_MAXIMUM];
    bool was_removed[SIM_NODE_MAXIMUM]; /* its replica there, which is not made again yet */
    /* Of the change that a leader was seen to be in last. */
    bool is_changing;
    unsigned begun_by;
    bool is_dead_since[SIM_NODE_MAXIMUM]; /* voters that have been down since it began */
};

struct situations {
    unsigned shard_count;
    struct shard_situations *shards;
    uint64_t met;
};

struct situations *situations_new(unsigned shard_count) {
    struct situations *situations = memory_allocate_zeroed(1, sizeof *situations);
    situations->shard_count = shard_count;
    situations->shards = memory_allocate_zeroed(shard_count, sizeof *situations->shards);
    return situations;
}

void situations_free(struct situations *situations) {
    memory_free(situations->shards);
    memory_free(situations);
}

const char *situation_text(enum situation situation) {
    static const char *const texts[] = {
#define SITUATION(name, text) text,
#include "sim/check/situation.def"
#undef SITUATION
    };
    return texts[situation];
}

static void meet(struct simulation *simulation, enum situation situation) {
    simulation->situations->met |= (uint64_t)1 << situation;
}

uint64_t situations_met(const struct simulation *simulation) { return simulation->situations->met; }

/* ---- a change ---- */

static bool is_changing(const struct raft_configuration *configuration) {
    return configuration->old_voter_count > 0;
}

static bool is_voter(const struct raft_configuration *configuration, unsigned node) {
    if (raft_configuration_has_voter(configuration, node + 1))
        return true;
    for (unsigned i = 0; i < configuration->old_voter_count; i++)
        if (configuration->old_voters[i] == node + 1)
            return true;
    return false;
}

static bool is_any_cut_off(const struct simulation *simulation,
                           const struct raft_configuration *configuration) {
    for (unsigned a = 0; a < simulation->node_count; a++)
        for (unsigned b = 0; b < simulation->node_count; b++)
            if (sim_net_is_blocked(simulation->net, a, b) && is_voter(configuration, a) &&
                is_voter(configuration, b))
                return true;
    return false;
}

static bool is_any_down(const struct simulation *simulation,
                        const struct raft_configuration *configuration) {
    for (unsigned node = 0; node < simulation->node_count; node++)
        if (is_voter(configuration, node) && !sim_node_is_alive(simulation->nodes[node]))
            return true;
    return false;
}

static void begin_change(const struct simulation *simulation, struct shard_situations *shard,
                         unsigned leader, const struct raft_configuration *configuration) {
    shard->is_changing = true;
    shard->begun_by = leader;
    for (unsigned node = 0; node < simulation->node_count; node++)
        shard->is_dead_since[node] =
            is_voter(configuration, node) && !sim_node_is_alive(simulation->nodes[node]);
}

static void end_change(struct simulation *simulation, struct shard_situations *shard,
                       unsigned leader, const struct raft_configuration *configuration) {
    shard->is_changing = false;
    if (leader != shard->begun_by)
        meet(simulation, SITUATION_CHANGE_ENDED_BY_ANOTHER);
    for (unsigned node = 0; node < simulation->node_count; node++)
        if (shard->is_dead_since[node] && !is_voter(configuration, node))
            meet(simulation, SITUATION_DEAD_VOTER_REPLACED);
}

static void look_at_leader(struct simulation *simulation, unsigned number, unsigned node,
                           const struct raft_configuration *configuration) {
    struct shard_situations *shard = &simulation->situations->shards[number];
    bool was_changing = shard->is_changing;
    if (is_changing(configuration) && !was_changing)
        begin_change(simulation, shard, node, configuration);
    else if (!is_changing(configuration) && was_changing)
        end_change(simulation, shard, node, configuration);
    if (is_changing(configuration)) {
        if (is_any_cut_off(simulation, configuration))
            meet(simulation, SITUATION_CHANGE_IN_PARTITION);
        if (is_any_down(simulation, configuration))
            meet(simulation, SITUATION_CHANGE_WITHOUT_A_VOTER);
        if (number == 0)
            meet(simulation, SITUATION_CONTROL_SHARD_CHANGES);
    } else if (was_changing && !is_voter(configuration, node)) {
        meet(simulation, SITUATION_LEADER_LEAVES);
    }
}

/* ---- a replica ---- */

static void look_at_coming_and_going(struct simulation *simulation, unsigned number, unsigned node,
                                     bool is_here) {
    struct shard_situations *shard = &simulation->situations->shards[number];
    if (shard->views[node].is_here && !is_here)
        shard->was_removed[node] = true;
    if (shard->was_removed[node] && is_here) {
        shard->was_removed[node] = false;
        meet(simulation, SITUATION_REPLICA_COMES_BACK);
    }
}

static bool has_same_voters(const struct raft_configuration *a,
                            const struct raft_configuration *b) {
    for (unsigned i = 0; i < a->voter_count; i++)
        if (!raft_configuration_has_voter(b, a->voters[i]))
            return false;
    return a->voter_count == b->voter_count;
}

/* A joint configuration is followed by its own new voters, or by a later wish. */
static bool is_taken_back(const struct raft_configuration *then,
                          const struct raft_configuration *now) {
    return is_changing(then) && !is_changing(now) && now->wish <= then->wish &&
           !has_same_voters(then, now);
}

static void look_at_replica(struct simulation *simulation, unsigned number, unsigned node,
                            const struct raft *raft) {
    struct replica_view *view = &simulation->situations->shards[number].views[node];
    const struct raft_configuration *configuration = raft_configuration(raft);
    bool is_leader = raft_role(raft) == RAFT_LEADER;
    if (!view->is_here && is_changing(configuration))
        meet(simulation, SITUATION_RESTART_IN_CHANGE);
    if (is_taken_back(&view->configuration, configuration))
        meet(simulation, SITUATION_CHANGE_TAKEN_BACK);
    if (is_leader)
        look_at_leader(simulation, number, node, configuration);
    *view = (struct replica_view){
        .is_here = true, .is_leader = is_leader, .configuration = *configuration};
}

void situations_after_turn(struct simulation *simulation, struct sim_thread *thread) {
    struct situations *situations = simulation->situations;
    unsigned node = thread->node->index;
    if (thread->node->is_given_up)
        return;
    for (unsigned number = thread->index; number < situations->shard_count;
         number += simulation->worker_count) {
        struct shard *shard = worker_shard(thread->worker, number);
        look_at_coming_and_going(simulation, number, node, shard != NULL);
        if (shard)
            look_at_replica(simulation, number, node, shard_raft(shard));
        else
            situations->shards[number].views[node] = (struct replica_view){0};
    }
}

/* ---- a node ---- */

void situations_node_died(struct simulation *simulation, unsigned node) {
    for (unsigned i = 0; i < simulation->situations->shard_count; i++) {
        struct replica_view *view = &simulation->situations->shards[i].views[node];
        if (view->is_leader && is_changing(&view->configuration))
            meet(simulation, SITUATION_CHANGING_LEADER_DIES);
        if (raft_configuration_has_learner(&view->configuration, node + 1))
            meet(simulation, SITUATION_LEARNER_DIES);
        *view = (struct replica_view){0};
    }
}

void situations_node_started(struct simulation *simulation, unsigned node) {
    for (unsigned i = 0; i < simulation->situations->shard_count; i++)
        simulation->situations->shards[i].is_dead_since[node] = false;
    if (simulation->nodes[node]->is_given_up)
        meet(simulation, SITUATION_REMOVED_NODE_COMES_BACK);
}

void situations_majority_recovered(struct simulation *simulation, bool was_in_change) {
    meet(simulation, SITUATION_MAJORITY_RECOVERED);
    if (was_in_change)
        meet(simulation, SITUATION_MAJORITY_LOST_IN_CHANGE);
}

void situations_recovered_brought_back(struct simulation *simulation) {
    meet(simulation, SITUATION_RECOVERED_BROUGHT_BACK);
}
