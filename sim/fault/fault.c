#include "sim/fault/fault.h"
#include "sim/check/checks.h"

struct random *faults_random(struct faults *faults) {
    return &faults->simulation->random;
}

uint64_t faults_between(struct faults *faults, uint64_t low, uint64_t high) {
    return random_between(faults_random(faults), low, high);
}

struct sim_node *faults_node(struct faults *faults) {
    return faults->simulation
        ->nodes[random_below(faults_random(faults), faults->simulation->node_count)];
}

struct sim_node *faults_leader(struct faults *faults) {
    struct simulation *simulation = faults->simulation;
    unsigned leader = checks_leader(
        simulation, (uint32_t)random_below(faults_random(faults), simulation->shard_count + 1));
    return leader < simulation->node_count ? simulation->nodes[leader] : faults_node(faults);
}

struct event *faults_later(struct faults *faults, uint64_t delay_us, event_run *run) {
    struct event_queue *queue = &faults->simulation->queue;
    return event_schedule(queue, queue->now_us + delay_us, run, faults);
}
