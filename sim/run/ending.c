#include "sim/run/ending.h"
#include "cluster/topology.h"
#include "shard/shard.h"
#include "sim/cluster/node.h"
#include "sim/operator/settings.h"
#include "sim/run/course.h"
#include <stdarg.h>
#include <stdio.h>

/* Whole polls both. */
enum {
    ENDING_LIMIT_US = 20000000,
    /* The clock of that limit stands still so long while snapshots are loaded: an operator may have
     * made that slow, and a node that is taken out has its shards loaded elsewhere, one by one. */
    ENDING_LOADING_LIMIT_US = 60000000
};

/* Each is told, so that who reads it sees what the others wait for. */
static void add_problem(struct buffer *problem, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add_problem(struct buffer *problem, const char *format, ...) {
    char text[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buffer_append_format(problem, "%s%s", problem->length ? "; " : "", text);
}

static void see_given_up(const struct simulation *simulation, struct buffer *problem) {
    for (unsigned node = 0; node < simulation->node_count; node++)
        if (simulation->nodes[node]->is_given_up && simulation->nodes[node]->is_up)
            add_problem(problem, "node %u was taken out, or given up, and goes on", node + 1);
}

/* Who was added has heard so, and follows. */
static void see_members(const struct simulation *simulation, struct buffer *problem) {
    const struct topology *newest = sim_topology(simulation);
    for (unsigned i = 0; newest && i < simulation->node_count; i++) {
        const struct topology *known = sim_node_topology(simulation->nodes[i]);
        if (topology_node(newest, i + 1) && (known == NULL || known->epoch != newest->epoch))
            add_problem(problem, "node %u does not know the topology that it is in", i + 1);
    }
}

/* What is to be seen of a shard's replicas. */
struct shard_look {
    unsigned count;
    uint64_t lowest, highest; /* applied */
    unsigned loading;         /* the number of a node that loads a snapshot of it; 0: none does */
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
        look.loading = shard_is_loading(shard) ? node + 1 : look.loading;
        look.is_equal =
            look.is_equal && (look.count == 0 || hash == look.hash) && shard_is_settled(shard);
        look.hash = hash;
        look.count++;
    }
    return look;
}

static void see_shard(const struct simulation *simulation, uint32_t number,
                      struct buffer *problem) {
    const struct topology *topology = sim_topology(simulation);
    bool is_settled = topology && topology->shards[number].is_settled;
    unsigned wanted = topology ? topology->shards[number].replica_count : 0;
    struct shard_look look = look_at(simulation, number);
    if (look.count != wanted || !is_settled || look.lowest != look.highest) {
        add_problem(problem, "shard %u: %u of %u replicas%s, applied from %llu to %llu", number,
                    look.count, wanted, is_settled ? "" : " (not settled)",
                    (unsigned long long)look.lowest, (unsigned long long)look.highest);
        if (look.loading)
            add_problem(problem, "node %u loads a snapshot of it", look.loading);
    } else if (!look.is_equal) {
        add_problem(problem, "shard %u: replicas hold different data at applied index %llu", number,
                    (unsigned long long)look.highest);
    }
}

static bool is_reached(const struct simulation *simulation, struct buffer *problem) {
    buffer_clear(problem);
    see_given_up(simulation, problem);
    see_members(simulation, problem);
    for (uint32_t number = 0; number <= simulation->shard_count; number++)
        see_shard(simulation, number, problem);
    return problem->length == 0 && settings_are_followed(simulation, problem);
}

static bool is_loading(const struct simulation *simulation) {
    for (unsigned node = 0; node < simulation->node_count; node++)
        for (uint32_t number = 0; number <= simulation->shard_count; number++) {
            const struct shard *shard = sim_node_replica(simulation->nodes[node], number);
            if (shard && shard_is_loading(shard))
                return true;
        }
    return false;
}

bool ending_await(struct simulation *simulation, struct buffer *problem) {
    uint64_t left_us = ENDING_LIMIT_US, loading_left_us = ENDING_LOADING_LIMIT_US;
    while (!simulation_has_failed(simulation) && !is_reached(simulation, problem)) {
        bool is_excused = loading_left_us > 0 && is_loading(simulation);
        uint64_t *from_us = is_excused ? &loading_left_us : &left_us;
        if (*from_us == 0)
            return false;
        *from_us -= COURSE_POLL_US;
        course_until(simulation, simulation->queue.now_us + COURSE_POLL_US);
    }
    return !simulation_has_failed(simulation);
}
