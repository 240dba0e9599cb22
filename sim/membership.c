#include "sim/membership.h"
#include "base/memory.h"
#include "cluster/topology.h"
#include "sim/checks.h"
#include "sim/connection.h"
#include "wire/request.h"
#include <stdio.h>

enum { REPLICAS_MOST = 5, REQUEST_BYTES_MAXIMUM = 4096, NUMBER_BYTES = 12 };

struct membership {
    struct simulation *simulation;
    struct connection connections[SIM_NODE_MAXIMUM];
};

/* A refusal is one too: the leader moved, or the nodes are those that hold it already. */
static void membership_reply(void *context, unsigned node, const struct response *response) {
    struct membership *membership = context;
    (void)node;
    membership->simulation->statistics.replica_changes += response->kind == RESPONSE_SIMPLE;
}

static void membership_lost(void *context, unsigned node, bool was_accepted) {
    (void)context, (void)node, (void)was_accepted;
}

struct membership *membership_new(struct simulation *simulation) {
    struct membership *membership = memory_allocate_zeroed(1, sizeof *membership);
    membership->simulation = simulation;
    struct connection_user user = {
        .reply = membership_reply, .lost = membership_lost, .context = membership};
    for (unsigned node = 0; node < simulation->node_count; node++)
        connection_init(&membership->connections[node], simulation, node, &user);
    return membership;
}

void membership_free(struct membership *membership) {
    for (unsigned node = 0; node < membership->simulation->node_count; node++)
        connection_release(&membership->connections[node]);
    memory_free(membership);
}

/* Three as a rule; fewer and more now and then. */
static unsigned count_by_lot(struct simulation *simulation) {
    unsigned most = simulation->node_count < REPLICAS_MOST ? simulation->node_count : REPLICAS_MOST;
    unsigned count = random_chance(&simulation->random, 0.6)
                         ? 3
                         : (unsigned)random_between(&simulation->random, 1, most);
    return count < most ? count : most;
}

/* Takes the first `count` of the nodes, shuffled. */
static void nodes_by_lot(struct simulation *simulation, unsigned nodes[SIM_NODE_MAXIMUM],
                         unsigned count) {
    for (unsigned i = 0; i < simulation->node_count; i++)
        nodes[i] = i;
    for (unsigned i = 0; i < count; i++) {
        unsigned other =
            (unsigned)random_between(&simulation->random, i, simulation->node_count - 1);
        unsigned node = nodes[other];
        nodes[other] = nodes[i];
        nodes[i] = node;
    }
}

void membership_change(struct membership *membership) {
    struct simulation *simulation = membership->simulation;
    unsigned leader = checks_leader(simulation, 0);
    if (leader >= simulation->node_count)
        return;
    unsigned shard = (unsigned)random_between(&simulation->random, 0, simulation->shard_count);
    unsigned nodes[SIM_NODE_MAXIMUM], count = count_by_lot(simulation);
    nodes_by_lot(simulation, nodes, count);
    char numbers[1 + REPLICAS_MOST][NUMBER_BYTES];
    struct bytes arguments[3 + REPLICAS_MOST] = {BYTES_LITERAL("TROTHDB"),
                                                 BYTES_LITERAL("REPLICAS")};
    for (unsigned i = 0; i <= count; i++) {
        snprintf(numbers[i], sizeof numbers[i], "%u", i ? nodes[i - 1] + 1 : shard);
        arguments[2 + i] = bytes_of_text(numbers[i]);
    }
    trace_line(&simulation->trace, "operator: node %u is asked for %u replicas of shard %u",
               leader + 1, count, shard);
    struct buffer request;
    buffer_init(&request, REQUEST_BYTES_MAXIMUM);
    request_encode(&request, arguments, 3 + count);
    connection_send(&membership->connections[leader], buffer_bytes(&request));
    buffer_release(&request);
}

unsigned membership_replica_count(const struct simulation *simulation, uint32_t shard,
                                  bool *is_settled) {
    const struct topology *newest = NULL;
    for (unsigned i = 0; i < simulation->node_count; i++) {
        const struct worker *worker = simulation->nodes[i]->threads[0].worker;
        const struct topology *topology = worker ? worker_topology(worker) : NULL;
        if (topology && (newest == NULL || topology->epoch > newest->epoch))
            newest = topology;
    }
    *is_settled = newest && newest->shards[shard].is_settled;
    return newest ? newest->shards[shard].replica_count : 0;
}
