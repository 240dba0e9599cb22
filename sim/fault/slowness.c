#include "sim/fault/slowness.h"
#include "base/memory.h"
#include "sim/check/checks.h"
#include "sim/cluster/node.h"

enum {
    SLOW_LEAST_US = 20000,
    SLOW_MOST_US = 60000,
    /* Time to see it, to tell it, and to wait for the pause between moves. */
    LASTS_LEAST_US = 9000000,
    LASTS_MOST_US = 12000000,
    CALM_BEFORE_US = 3000000 /* what happened before has been got over by then */
};

struct slowness {
    struct simulation *simulation;
    struct sim_node *node; /* NULL: no disk is slow, nor about to be */
    bool is_calm;          /* nothing else happens meanwhile... */
    bool is_disturbed;     /* ...or should, but an earlier fault was not over */
    uint64_t changes_before;
};

struct slowness *slowness_new(struct simulation *simulation) {
    struct slowness *slowness = memory_allocate_zeroed(1, sizeof *slowness);
    slowness->simulation = simulation;
    return slowness;
}

void slowness_free(struct slowness *slowness) { memory_free(slowness); }

void slowness_disturb(struct slowness *slowness) { slowness->is_disturbed = true; }

bool slowness_wants_calm(const struct slowness *slowness) {
    return slowness->node != NULL && slowness->is_calm;
}

/* One move of each shard, and one more of some because the first successor was about to be slow
 * itself; more is wandering. */
static void check(const struct slowness *slowness) {
    struct simulation *simulation = slowness->simulation;
    uint64_t changes = simulation->statistics.leader_changes - slowness->changes_before;
    for (uint32_t shard = 0; shard <= simulation->shard_count; shard++)
        if (checks_leader(simulation, shard) == slowness->node->index)
            simulation_fail(simulation, "shard %u is still led by node %u, whose disk is slow",
                            shard, slowness->node->index + 1);
    if (changes > 2 * (simulation->shard_count + 1))
        simulation_fail(simulation, "%llu changes of leader while one disk was slow",
                        (unsigned long long)changes);
}

static void end_event(struct event *event) {
    struct slowness *slowness = event->context;
    struct simulation *simulation = slowness->simulation;
    if (!slowness->is_disturbed && simulation->phase == PHASE_FAULTS) {
        trace_line(&simulation->trace, "has the lead moved away from node %u?",
                   slowness->node->index + 1);
        check(slowness);
    }
    slowness->node->power.slow_us = 0;
    slowness->node = NULL;
}

static void slow_event(struct event *event) {
    struct slowness *slowness = event->context;
    struct simulation *simulation = slowness->simulation;
    struct event_queue *queue = &simulation->queue;
    slowness->is_disturbed =
        !slowness->is_calm || !sim_node_is_alive(slowness->node) || slowness->node->has_begun_slow;
    slowness->changes_before = simulation->statistics.leader_changes;
    slowness->node->power.slow_us =
        random_between(&simulation->random, SLOW_LEAST_US, SLOW_MOST_US);
    uint64_t lasts_us = random_between(&simulation->random, LASTS_LEAST_US, LASTS_MOST_US);
    trace_line(&simulation->trace, "fault: the disk of leader %u is %llu us slower for %llu ms",
               slowness->node->index + 1, (unsigned long long)slowness->node->power.slow_us,
               (unsigned long long)lasts_us / 1000);
    event_schedule(queue, queue->now_us + lasts_us, end_event, slowness);
}

void slowness_begin(struct slowness *slowness, struct sim_node *node) {
    struct simulation *simulation = slowness->simulation;
    struct event_queue *queue = &simulation->queue;
    bool is_alone = simulation->node_count == 1; /* the lead has nowhere to go */
    if (slowness->node != NULL || is_alone)
        return;
    slowness->node = node;
    /* Where the pause between moves is long, nothing can be said of when the lead moves. */
    bool may_be_calm = mix_likes_moves(simulation->mix);
    slowness->is_calm = random_chance(&simulation->random, 0.6) && may_be_calm;
    event_schedule(queue, queue->now_us + (slowness->is_calm ? CALM_BEFORE_US : 0), slow_event,
                   slowness);
}
