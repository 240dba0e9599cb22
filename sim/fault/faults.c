#include "sim/fault/faults.h"
#include "base/check.h"
#include "base/memory.h"
#include "sim/fault/fault.h"
#include "sim/fault/fault_blobs.h"
#include "sim/fault/fault_network.h"
#include "sim/fault/rot.h"
#include "sim/fault/slowness.h"
#include "sim/life/full_disk.h"
#include "sim/life/life.h"
#include "sim/operator/membership.h"
#include "sim/operator/rotation.h"
#include "sim/operator/settings.h"
#include "sim/operator/visitor.h"

static const unsigned fault_shares[FAULT_COUNT][MIX_COUNT] = {
#define FAULT(name, ...) {__VA_ARGS__},
#include "sim/fault/fault.def"
#undef FAULT
};

enum {
    FAULT_GAP_LEAST_MOST_US = 500000,
    FAULT_GAP_MOST_MOST_US = 4000000,
    FAULT_DAY_MS = 24 * 3600 * 1000
};
static const double FAULT_WRONG_DATE_CHANCE = 0.15, FAULT_WRONG_DATE_CHANCE_CLOCKS = 0.5,
                    FAULT_TOGETHER_CHANCE = 0.15;

static event_run fault_event;

static void fault_happens(struct faults *faults, enum fault_kind kind) {
    if (slowness_wants_calm(faults->slowness))
        return;
    if (kind != FAULT_slow_leader)
        slowness_disturb(faults->slowness);
    switch (kind) {
#define FAULT(name, ...)                                                                           \
    case FAULT_##name:                                                                             \
        fault_##name(faults);                                                                      \
        return;
#include "sim/fault/fault.def"
#undef FAULT
    case FAULT_COUNT:
        break;
    }
    UNREACHABLE();
}

static enum fault_kind fault_by_lot(struct faults *faults) {
    unsigned sum = 0;
    for (int kind = 0; kind < FAULT_COUNT; kind++)
        sum += fault_shares[kind][faults->simulation->mix];
    uint64_t lot = random_below(faults_random(faults), sum);
    for (int kind = 0; kind < FAULT_COUNT; kind++) {
        if (lot < fault_shares[kind][faults->simulation->mix])
            return (enum fault_kind)kind;
        lot -= fault_shares[kind][faults->simulation->mix];
    }
    UNREACHABLE();
}

static void fault_schedule(struct faults *faults) {
    faults_later(faults, faults_between(faults, 1000, faults->gap_most_us), fault_event);
}

static void fault_event(struct event *event) {
    struct faults *faults = event->context;
    if (!faults->is_on)
        return;
    fault_happens(faults, fault_by_lot(faults));
    if (random_chance(faults_random(faults), FAULT_TOGETHER_CHANCE))
        fault_happens(faults, fault_by_lot(faults));
    fault_schedule(faults);
}

struct faults *faults_new(struct simulation *simulation) {
    struct faults *faults = memory_allocate_zeroed(1, sizeof *faults);
    faults->simulation = simulation;
    faults->slowness = slowness_new(simulation);
    faults->rot = rot_new(simulation);
    faults->gap_most_us =
        random_between(&simulation->random, FAULT_GAP_LEAST_MOST_US, FAULT_GAP_MOST_MOST_US);
    return faults;
}

void faults_free(struct faults *faults) {
    if (faults->membership)
        membership_free(faults->membership);
    slowness_free(faults->slowness);
    rot_free(faults->rot);
    visitor_free(faults->visitor);
    rotation_free(faults->rotation);
    if (faults->settings)
        settings_operator_free(faults->settings);
    memory_free(faults);
}

/* Somebody who never set the date: a day off, and no fault's end puts it right. */
void faults_set_date(struct faults *faults) {
    struct random *random = faults_random(faults);
    if (!random_chance(random, faults->simulation->mix == MIX_CLOCKS
                                   ? FAULT_WRONG_DATE_CHANCE_CLOCKS
                                   : FAULT_WRONG_DATE_CHANCE))
        return;
    struct sim_node *node = faults_node(faults);
    node->time.wall_error_ms = random_chance(random, 0.5) ? FAULT_DAY_MS : -FAULT_DAY_MS;
    trace_line(&faults->simulation->trace, "fault: the date of node %u is wrong by a day",
               node->index + 1);
}

void faults_start(struct faults *faults) {
    faults->is_on = true;
    fault_schedule(faults);
}

void faults_heal(struct faults *faults) {
    struct simulation *simulation = faults->simulation;
    faults->is_on = false;
    faults->partition_number++;
    faults->weather_number++;
    sim_net_heal(simulation->net);
    faults_weather_clears(faults);
    faults_store_recovers(faults);
    for (unsigned i = 0; i < simulation->node_count; i++) {
        struct sim_node *node = simulation->nodes[i];
        node->power.off_at_call = node->power.off_calls_after_remove = 0;
        node->power.sync_failure_at_call = node->power.write_failure_at_call = 0;
        node->power.writes_fail_until_us = node->power.slow_us = 0;
        full_disk_end(node);
        sim_time_set_drift(&node->time, simulation->queue.now_us, 0);
        node->down_until_us = 0;
        bool is_wanted = node->life > 0 && !node->is_given_up; /* not a spare of later */
        if (!node->is_up && is_wanted)
            sim_node_restart_at(node, simulation->queue.now_us + 1000);
        for (unsigned thread = 0; thread <= SIM_WORKER_MAXIMUM; thread++)
            node->threads[thread].clock.stall_after_reads = 0;
    }
}
