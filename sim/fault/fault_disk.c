/* Disks that fail, are slow, rot or are full. */
#include "sim/fault/fault.h"
#include "sim/fault/rot.h"
#include "sim/fault/slowness.h"
#include "sim/life/full_disk.h"

void fault_sync_failure(struct faults *faults) {
    struct sim_node *node = faults_node(faults);
    node->power.sync_failure_at_call = node->power.call_count + faults_between(faults, 1, 10);
}

/* One call that writes, or all of them for a while, also those of the next start. */
void fault_write_failure(struct faults *faults) {
    struct sim_node *node =
        random_chance(faults_random(faults), 0.5) ? faults_leader(faults) : faults_node(faults);
    struct sim_power *power = &node->power;
    if (random_chance(faults_random(faults), 0.6))
        power->write_failure_at_call = power->call_count + faults_between(faults, 1, 60);
    else
        power->writes_fail_until_us =
            faults->simulation->queue.now_us + faults_between(faults, 1000, 3000000);
    trace_line(&faults->simulation->trace, "fault: the disk of node %u refuses writes",
               node->index + 1);
}

static void slow_disk_end_event(struct event *event) {
    struct faults *faults = event->context;
    faults->simulation->nodes[event->number]->power.slow_us = 0;
}

void fault_slow_disk(struct faults *faults) {
    struct sim_node *node =
        random_chance(faults_random(faults), 0.5) ? faults_leader(faults) : faults_node(faults);
    node->power.slow_us = faults_between(faults, 2000, 300000);
    trace_line(&faults->simulation->trace, "fault: the disk of node %u is %llu us slower",
               node->index + 1, (unsigned long long)node->power.slow_us);
    faults_later(faults, faults_between(faults, 500000, 5000000), slow_disk_end_event)->number =
        node->index;
}

void fault_full_disk(struct faults *faults) {
    full_disk_begin(random_chance(faults_random(faults), 0.5) ? faults_leader(faults)
                                                              : faults_node(faults));
}

void fault_full_disks(struct faults *faults) {
    for (unsigned node = 0; node < faults->simulation->node_count; node++)
        full_disk_begin(faults->simulation->nodes[node]);
}

void fault_slow_leader(struct faults *faults) {
    slowness_begin(faults->slowness, faults_leader(faults));
}

void fault_bit_rot(struct faults *faults) { rot_log(faults->rot, faults_node(faults)->index); }

void fault_bit_rot_in_turn(struct faults *faults) { rot_logs_in_turn(faults->rot); }

void fault_rot_at_rest(struct faults *faults) {
    rot_at_rest(faults->rot, faults_node(faults)->index);
}

void fault_snapshot_rot(struct faults *faults) {
    rot_snapshot(faults->rot, faults_node(faults)->index);
}
