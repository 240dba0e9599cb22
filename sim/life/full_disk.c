#include "sim/life/full_disk.h"

enum { LEAST_US = 500000, MOST_US = 12000000, FREE_MOST_BYTES = 400000 };

static void end_event(struct event *event) {
    struct sim_node *node = event->context;
    if (node->simulation->queue.now_us >= node->full_until_us)
        full_disk_end(node);
}

void full_disk_begin(struct sim_node *node) {
    full_disk_begin_for(node, random_between(&node->simulation->random, LEAST_US, MOST_US));
}

void full_disk_begin_for(struct sim_node *node, uint64_t for_us) {
    struct simulation *simulation = node->simulation;
    struct random *random = &simulation->random;
    uint64_t until_us = simulation->queue.now_us + for_us;
    uint64_t free_bytes = random_chance(random, 0.5) ? 0 : random_below(random, FREE_MOST_BYTES);
    node->full_until_us = until_us;
    node->power.is_limited = true;
    node->power.free_bytes = free_bytes;
    trace_line(&simulation->trace, "fault: the disk of node %u is full, but for %llu bytes",
               node->index + 1, (unsigned long long)free_bytes);
    event_schedule(&simulation->queue, until_us, end_event, node);
}

void full_disk_end(struct sim_node *node) {
    if (!node->power.is_limited)
        return;
    node->power.is_limited = false;
    trace_line(&node->simulation->trace, "the disk of node %u has space again", node->index + 1);
}

bool full_disk_is_blamed(const struct sim_node *node) {
    return node->power.is_limited && !node->power.is_off && !node->power.has_failed;
}
