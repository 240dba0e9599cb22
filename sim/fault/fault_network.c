/* Partitions, bad weather, streams that are lost. */
#include "sim/fault/fault_network.h"
#include "sim/fault/slowness.h"

static const double FAULT_PARTITION_STAYS_CHANCE = 0.15;

static event_run partition_end_event;

void faults_partition_begins(struct faults *faults) {
    if (!random_chance(faults_random(faults), FAULT_PARTITION_STAYS_CHANCE))
        sim_net_heal(faults->simulation->net);
    faults->simulation->statistics.partitions++;
    uint64_t lasts_us = random_chance(faults_random(faults), 0.3)
                            ? faults_between(faults, 3000000, 8000000)
                            : faults_between(faults, 50000, 3000000);
    faults_later(faults, lasts_us, partition_end_event)->number = ++faults->partition_number;
}

static void partition_end_event(struct event *event) {
    struct faults *faults = event->context;
    slowness_disturb(faults->slowness);
    if (event->number != faults->partition_number)
        return;
    trace_line(&faults->simulation->trace, "fault: the partition ends");
    sim_net_heal(faults->simulation->net);
}

void faults_isolate(struct faults *faults, unsigned node, bool inwards, bool outwards) {
    faults_partition_begins(faults);
    trace_line(&faults->simulation->trace, "fault: node %u is cut off%s", node + 1,
               inwards && outwards ? ""
               : inwards           ? " inwards"
                                   : " outwards");
    for (unsigned other = 0; other < faults->simulation->node_count; other++) {
        if (outwards)
            sim_net_block(faults->simulation->net, node, other);
        if (inwards)
            sim_net_block(faults->simulation->net, other, node);
    }
}

void fault_partition_node(struct faults *faults) {
    faults_isolate(faults, faults_node(faults)->index, true, true);
}

void fault_partition_leader(struct faults *faults) {
    faults_isolate(faults, faults_leader(faults)->index, true, true);
}

void fault_partition_halves(struct faults *faults) {
    struct simulation *simulation = faults->simulation;
    uint64_t side = random_next(faults_random(faults));
    faults_partition_begins(faults);
    trace_line(&simulation->trace, "fault: the network falls in two");
    for (unsigned a = 0; a < simulation->node_count; a++)
        for (unsigned b = 0; b < simulation->node_count; b++)
            if ((side >> a & 1) != (side >> b & 1))
                sim_net_block(simulation->net, a, b);
}

void fault_partition_one_way(struct faults *faults) {
    struct simulation *simulation = faults->simulation;
    unsigned node = faults_leader(faults)->index;
    if (random_chance(faults_random(faults), 0.6)) {
        bool inwards = random_chance(faults_random(faults), 0.5);
        faults_isolate(faults, node, inwards, !inwards);
        return;
    }
    unsigned other = faults_node(faults)->index;
    faults_partition_begins(faults);
    trace_line(&simulation->trace, "fault: node %u does not reach node %u", node + 1, other + 1);
    sim_net_block(simulation->net, node, other);
}

void faults_weather_clears(struct faults *faults) {
    *sim_net_weather(faults->simulation->net) =
        (struct sim_weather){.least_delay_us = 100, .most_delay_us = 600};
}

void fault_bad_weather(struct faults *faults) {
    struct random *random = faults_random(faults);
    struct sim_weather *weather = sim_net_weather(faults->simulation->net);
    trace_line(&faults->simulation->trace, "fault: bad weather");
    weather->loss = random_unit(random) * 0.5;
    weather->doubling = random_unit(random) * 0.3;
    weather->least_delay_us = 100;
    weather->most_delay_us = faults_between(faults, 600, 30000);
    weather->late = random_unit(random) * 0.2;
    weather->late_us = faults_between(faults, 1000, 800000);
    faults_later(faults, faults_between(faults, 200000, 5000000), faults_weather_end_event)
        ->number = ++faults->weather_number;
}

void faults_weather_end_event(struct event *event) {
    struct faults *faults = event->context;
    if (event->number == faults->weather_number)
        faults_weather_clears(faults);
}

void fault_streams_reset(struct faults *faults) {
    struct sim_node *busy =
        random_chance(faults_random(faults), 0.5) ? faults_leader(faults) : faults_node(faults);
    unsigned a = busy->index, b = faults_node(faults)->index;
    trace_line(&faults->simulation->trace, "fault: streams between nodes %u and %u break", a + 1,
               b + 1);
    if (a != b)
        sim_net_reset_streams(faults->simulation->net, a, b);
}
