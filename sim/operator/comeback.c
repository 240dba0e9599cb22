#include "sim/operator/comeback.h"
#include "seal/keyring.h"
#include "sim/cluster/node.h"
#include "sim/life/life.h"

enum {
    COMEBACK_AGAIN_US = 300000,
    COMEBACK_ALONE_MOST_US = 5000000, /* until the operator looks */
};
static const double COMEBACK_WITH_NEW_KEY_CHANCE = 0.5;

static event_run comeback_event, look_event;

static void schedule(struct sim_node *node, uint64_t after_us, event_run *run) {
    struct event_queue *queue = &node->simulation->queue;
    event_schedule(queue, queue->now_us + after_us, run, node);
}

void comeback_later(struct simulation *simulation, unsigned node, uint64_t after_us) {
    schedule(simulation->nodes[node], after_us, comeback_event);
}

/* What it seals is opened by all, and it opens what they seal. */
static bool has_cluster_key(const struct sim_node *node) {
    struct seal_key_shown shown[SEAL_KEYS_MAXIMUM];
    char wanted[SEAL_ID_TEXT_BYTES];
    if (node->seal == NULL)
        return true;
    keyring_id(&node->simulation->cluster_key, wanted);
    return keyring_list(node->seal, shown) > 0 && strcmp(shown[0].id, wanted) == 0;
}

static void give_key(struct sim_node *node) {
    trace_line(&node->simulation->trace, "operator: node %u is given the new cluster key",
               node->index + 1);
    seal_free(node->seal);
    node->seal = seal_new(&node->simulation->cluster_key, 1, "");
    node->is_locked_out = false;
}

static void lock_out(struct sim_node *node) {
    struct simulation *simulation = node->simulation;
    trace_line(&simulation->trace, "fault: node %u comes back with a former cluster key",
               node->index + 1);
    node->is_locked_out = true;
    simulation->statistics.locked_out++;
    schedule(node, random_between(&simulation->random, 1, COMEBACK_ALONE_MOST_US), look_event);
}

static void comeback_event(struct event *event) {
    struct sim_node *node = event->context;
    struct simulation *simulation = node->simulation;
    if (node->is_up || simulation->phase >= PHASE_LAST_READS)
        return;
    if (simulation->is_key_changing) {
        schedule(node, COMEBACK_AGAIN_US, comeback_event);
        return;
    }
    if (!has_cluster_key(node)) {
        if (node->is_locked_out || random_chance(&simulation->random, COMEBACK_WITH_NEW_KEY_CHANCE))
            give_key(node);
        else
            lock_out(node);
    }
    sim_node_start(node);
}

/* The operator finds it alone, stops it, and starts it with the key of now. */
static void look_event(struct event *event) {
    struct sim_node *node = event->context;
    sim_node_kill(node, SIM_DEATH_OF_PROCESS);
    schedule(node, COMEBACK_AGAIN_US, comeback_event);
}
