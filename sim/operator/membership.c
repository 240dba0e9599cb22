#include "sim/operator/membership.h"
#include "base/memory.h"
#include "base/text/hex.h"
#include "cluster/topology.h"
#include "sim/check/checks.h"
#include "sim/cluster/node.h"
#include "sim/life/life.h"
#include "sim/operator/comeback.h"
#include "sim/operator/operator.h"
#include <stdio.h>

enum {
    REPLICAS_MOST = 5,
    REMOVAL_LEAST_LEFT = 3,
    REMOVAL_POLL_US = 300000,
    ADDING_POLL_US = 300000,
    REMOVAL_RETURN_MOST_US = 8000000,
    ADD_WORDS = 7,
    NUMBER_BYTES = 12,
};

static const double REMOVAL_OF_LATEST_CHANCE = 0.3;

struct membership {
    struct simulation *simulation;
    struct sim_operator *operator_;
    bool is_adding;
    unsigned joining; /* the spare that is being added */
    bool is_removing;
    unsigned leaving; /* the node that is being taken out */
};

struct membership *membership_new(struct simulation *simulation) {
    struct membership *membership = memory_allocate_zeroed(1, sizeof *membership);
    membership->simulation = simulation;
    membership->operator_ = sim_operator_new(simulation, &simulation->statistics.replica_changes);
    return membership;
}

void membership_free(struct membership *membership) {
    sim_operator_free(membership->operator_);
    memory_free(membership);
}

/* ---- other replicas ---- */

/* Those that are not given up, nor spares; returns how many. */
static unsigned nodes_left(const struct simulation *simulation, unsigned nodes[SIM_NODE_MAXIMUM]) {
    unsigned count = 0;
    for (unsigned i = 0; i < simulation->node_count; i++)
        if (!simulation->nodes[i]->is_given_up && !simulation->nodes[i]->is_spare)
            nodes[count++] = i;
    return count;
}

/* Three as a rule; fewer and more now and then. */
static unsigned count_by_lot(struct simulation *simulation, unsigned left) {
    unsigned most = left < REPLICAS_MOST ? left : REPLICAS_MOST;
    unsigned least = mix_keeps_three_replicas(simulation->mix) ? 3 : 1;
    unsigned count = random_chance(&simulation->random, 0.6)
                         ? 3
                         : (unsigned)random_between(&simulation->random, least, most);
    return count < most ? count : most;
}

/* The first `count` of them are by lot then. */
static void shuffle(struct simulation *simulation, unsigned *nodes, unsigned left, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        unsigned other = (unsigned)random_between(&simulation->random, i, left - 1);
        unsigned node = nodes[other];
        nodes[other] = nodes[i];
        nodes[i] = node;
    }
}

void membership_change(struct membership *membership) {
    struct simulation *simulation = membership->simulation;
    if (checks_leader(simulation, 0) >= simulation->node_count)
        return;
    unsigned shard = (unsigned)random_between(&simulation->random, 0, simulation->shard_count);
    unsigned nodes[SIM_NODE_MAXIMUM], left = nodes_left(simulation, nodes);
    unsigned count = count_by_lot(simulation, left);
    shuffle(simulation, nodes, left, count);
    sim_operator_place(membership->operator_, shard, nodes, count);
}

/* ---- a spare is taken in ---- */

static event_run adding_event;

static void look_at_spare_later(struct membership *membership) {
    struct event_queue *queue = &membership->simulation->queue;
    event_schedule(queue, queue->now_us + ADDING_POLL_US, adding_event, membership);
}

/* With the key that the others have: it was made when there may have been another. */
static void start_spare(struct sim_node *spare) {
    struct simulation *simulation = spare->simulation;
    if (simulation->is_sealed) {
        seal_free(spare->seal);
        spare->seal = seal_new(&simulation->cluster_key, 1, "");
    }
    sim_node_start(spare);
}

/* In their order: so each gets the number that it goes by here. Not while the key changes. */
void membership_add_node(struct membership *membership) {
    struct simulation *simulation = membership->simulation;
    if (membership->is_adding || simulation->is_key_changing)
        return;
    for (unsigned i = 0; i < simulation->node_count; i++) {
        if (!simulation->nodes[i]->is_spare)
            continue;
        trace_line(&simulation->trace, "operator: node %u is to be added", i + 1);
        membership->is_adding = true;
        membership->joining = i;
        start_spare(simulation->nodes[i]);
        look_at_spare_later(membership);
        return;
    }
}

static void ask_to_add(struct membership *membership, const struct sim_node *spare) {
    struct simulation *simulation = membership->simulation;
    unsigned leader = checks_leader(simulation, 0);
    struct net_address address;
    char uuid[HEX_TEXT_BYTES(NODE_UUID_BYTES)], ports[3][NUMBER_BYTES];
    if (leader >= simulation->node_count)
        return;
    sim_node_client_address(spare->index, &address);
    hex_write(spare->identity.uuid, NODE_UUID_BYTES, uuid);
    snprintf(ports[0], sizeof ports[0], "%u", address.port);
    snprintf(ports[1], sizeof ports[1], "%u", (unsigned)SIM_PEER_PORT);
    snprintf(ports[2], sizeof ports[2], "%u", address.port + 2000u);
    trace_line(&simulation->trace, "operator: node %u is asked to add node %u", leader + 1,
               spare->index + 1);
    sim_operator_ask(membership->operator_, leader,
                     (const struct bytes[ADD_WORDS]){
                         BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("ADDNODE"), bytes_of_text(uuid),
                         bytes_of_text(address.host), bytes_of_text(ports[0]),
                         bytes_of_text(ports[1]), bytes_of_text(ports[2])},
                     ADD_WORDS);
}

/* A number is a name in the logs: none is ever given twice. */
static void check_number(struct simulation *simulation, const struct topology *topology,
                         const struct sim_node *spare) {
    const struct topology_node *node = topology_node_by_uuid(topology, spare->identity.uuid);
    if (node && node->number != spare->index + 1)
        simulation_fail(simulation, "node %u was added with the number %u, which was another's",
                        spare->index + 1, node->number);
}

static void adding_event(struct event *event) {
    struct membership *membership = event->context;
    struct simulation *simulation = membership->simulation;
    const struct topology *topology = sim_topology(simulation);
    struct sim_node *spare = simulation->nodes[membership->joining];
    if (topology)
        check_number(simulation, topology, spare);
    if (topology && topology_node(topology, spare->index + 1)) {
        trace_line(&simulation->trace, "operator: node %u is one of the nodes", spare->index + 1);
        spare->is_spare = false;
        membership->is_adding = false;
        simulation->statistics.nodes_added++;
        return;
    }
    if (sim_node_is_alive(spare))
        ask_to_add(membership, spare);
    look_at_spare_later(membership);
}

/* ---- a node is taken out ---- */

static event_run removal_event;

static void look_again(struct membership *membership) {
    struct event_queue *queue = &membership->simulation->queue;
    event_schedule(queue, queue->now_us + REMOVAL_POLL_US, removal_event, membership);
}

void membership_remove_node(struct membership *membership) {
    struct simulation *simulation = membership->simulation;
    unsigned nodes[SIM_NODE_MAXIMUM], left = nodes_left(simulation, nodes);
    if (membership->is_removing || left <= REMOVAL_LEAST_LEFT)
        return;
    membership->is_removing = true;
    /* Often the latest: the next one that is added must not be taken for it. */
    membership->leaving = random_chance(&simulation->random, REMOVAL_OF_LATEST_CHANCE)
                              ? nodes[left - 1]
                              : nodes[random_below(&simulation->random, left)];
    trace_line(&simulation->trace, "operator: node %u is to be taken out", membership->leaving + 1);
    look_again(membership);
}

/* The others stay; a node by lot that lacks the shard takes the place, if there is one. */
static void move_away(struct membership *membership, const struct topology_shard *shard) {
    struct simulation *simulation = membership->simulation;
    unsigned nodes[SIM_NODE_MAXIMUM], free_nodes[SIM_NODE_MAXIMUM];
    unsigned count = 0, free_count = 0;
    for (unsigned i = 0; i < simulation->node_count; i++) {
        if (i == membership->leaving || simulation->nodes[i]->is_given_up ||
            simulation->nodes[i]->is_spare)
            continue;
        if (topology_shard_has_replica(shard, i + 1))
            nodes[count++] = i;
        else
            free_nodes[free_count++] = i;
    }
    if (free_count)
        nodes[count++] = free_nodes[random_below(&simulation->random, free_count)];
    sim_operator_place(membership->operator_, shard->number, nodes, count);
}

static void ask_for_removal(struct membership *membership) {
    struct simulation *simulation = membership->simulation;
    char number[NUMBER_BYTES];
    unsigned leader = checks_leader(simulation, 0);
    if (leader >= simulation->node_count)
        return;
    snprintf(number, sizeof number, "%u", membership->leaving + 1);
    simulation->nodes[membership->leaving]->is_leaving = true;
    trace_line(&simulation->trace, "operator: node %u is asked to take node %s off the list",
               leader + 1, number);
    sim_operator_ask(membership->operator_, leader,
                     (const struct bytes[]){BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("REMOVENODE"),
                                            bytes_of_text(number)},
                     3);
}

/* One step: whatever moved it, the next one begins from what the topology says then. */
static void remove_further(struct membership *membership, const struct topology *topology) {
    for (unsigned i = 0; i < topology->shard_count; i++) {
        const struct topology_shard *shard = &topology->shards[i];
        if (topology_shard_has_replica(shard, membership->leaving + 1)) {
            if (shard->is_settled)
                move_away(membership, shard);
            return;
        }
    }
    ask_for_removal(membership);
}

static void removal_event(struct event *event) {
    struct membership *membership = event->context;
    struct simulation *simulation = membership->simulation;
    const struct topology *topology = sim_topology(simulation);
    struct sim_node *leaving = simulation->nodes[membership->leaving];
    bool is_lost = leaving->is_given_up; /* meanwhile; who of the lost comes back, loss.c says */
    if (is_lost || (topology && !topology_node(topology, leaving->index + 1))) {
        membership->is_removing = false;
        simulation->statistics.nodes_removed += leaving->is_leaving;
        leaving->is_given_up = true;
        if (!leaving->is_up && !is_lost)
            comeback_later(simulation, leaving->index,
                           random_between(&simulation->random, 1, REMOVAL_RETURN_MOST_US));
        return;
    }
    if (topology)
        remove_further(membership, topology);
    look_again(membership);
}
