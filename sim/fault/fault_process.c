/* Processes that die, stand still, or whose clocks are wrong. */
#include "sim/fault/fault.h"
#include "sim/life/life.h"
#include "sim/life/stopping.h"

void fault_crash_process(struct faults *faults) {
    sim_node_kill(faults_node(faults), SIM_DEATH_OF_PROCESS);
}
void fault_crash_power(struct faults *faults) {
    sim_node_kill(faults_node(faults), SIM_DEATH_BY_POWER);
}

void fault_stop_node(struct faults *faults) {
    stopping_begin(random_chance(faults_random(faults), 0.5) ? faults_leader(faults)
                                                             : faults_node(faults));
}

void fault_crash_leader(struct faults *faults) {
    bool is_power = random_chance(faults_random(faults), 0.5);
    sim_node_kill(faults_leader(faults), is_power ? SIM_DEATH_BY_POWER : SIM_DEATH_OF_PROCESS);
}

void fault_crash_all(struct faults *faults) {
    bool is_power = random_chance(faults_random(faults), 0.8);
    for (unsigned node = 0; node < faults->simulation->node_count; node++)
        sim_node_kill(faults->simulation->nodes[node],
                      is_power ? SIM_DEATH_BY_POWER : SIM_DEATH_OF_PROCESS);
}

/* One node dies again and again, now and then before it has come to its first turn. */
static void crash_again_event(struct event *event) {
    struct faults *faults = event->context;
    struct sim_node *node = faults->simulation->nodes[event->number % SIM_NODE_MAXIMUM];
    uint64_t deaths_left = event->number / SIM_NODE_MAXIMUM;
    if (!faults->is_on || deaths_left == 0)
        return;
    bool is_power = random_chance(faults_random(faults), 0.5);
    node->is_restart_quick = true;
    sim_node_kill(node, is_power ? SIM_DEATH_BY_POWER : SIM_DEATH_OF_PROCESS);
    faults_later(faults, faults_between(faults, 2000, FAULT_AGAIN_MOST_US), crash_again_event)
        ->number = (deaths_left - 1) * SIM_NODE_MAXIMUM + node->index;
}

void fault_crash_again(struct faults *faults) {
    struct sim_node *node = faults_node(faults);
    uint64_t deaths = faults_between(faults, 2, FAULT_AGAIN_MOST);
    trace_line(&faults->simulation->trace, "fault: node %u dies %llu times in a row",
               node->index + 1, (unsigned long long)deaths);
    faults_later(faults, 0, crash_again_event)->number = deaths * SIM_NODE_MAXIMUM + node->index;
}

/* At any call; or soon after a file was removed: whatever it held must not be needed any more. */
void fault_crash_at_disk_call(struct faults *faults) {
    struct sim_node *node =
        random_chance(faults_random(faults), 0.5) ? faults_leader(faults) : faults_node(faults);
    if (random_chance(faults_random(faults), 0.3))
        node->power.off_calls_after_remove = faults_between(faults, 1, 8);
    else
        node->power.off_at_call = node->power.call_count + faults_between(faults, 1, 40);
    trace_line(&faults->simulation->trace, "fault: node %u will fail in the middle of a disk call",
               node->index + 1);
}

void fault_long_absence(struct faults *faults) {
    struct sim_node *node = faults_node(faults);
    node->down_until_us =
        faults->simulation->queue.now_us + faults_between(faults, 5000000, 20000000);
    trace_line(&faults->simulation->trace, "fault: node %u goes away for long", node->index + 1);
    sim_node_kill(node, random_chance(faults_random(faults), 0.5) ? SIM_DEATH_BY_POWER
                                                                  : SIM_DEATH_OF_PROCESS);
}

void fault_wall_clock_jump(struct faults *faults) {
    struct sim_node *node =
        random_chance(faults_random(faults), 0.6) ? faults_leader(faults) : faults_node(faults);
    uint64_t most_ms = random_chance(faults_random(faults), 0.1) ? FAULT_WALL_JUMP_FAR_MS
                                                                 : FAULT_WALL_JUMP_MOST_MS;
    uint64_t jump_ms = faults_between(faults, 0, 2 * most_ms);
    node->time.wall_offset_ms = SIM_WALL_START_MS + jump_ms - most_ms;
    trace_line(&faults->simulation->trace, "fault: the wall clock of node %u jumps to %lld ms off",
               node->index + 1, (long long)(jump_ms - most_ms));
}

void fault_clock_drift(struct faults *faults) {
    struct sim_node *node = faults_node(faults);
    int64_t drift_ppm =
        (int64_t)faults_between(faults, 0, 2 * FAULT_DRIFT_MOST_PPM) - FAULT_DRIFT_MOST_PPM;
    trace_line(&faults->simulation->trace, "fault: the clock of node %u drifts by %lld ppm",
               node->index + 1, (long long)drift_ppm);
    sim_time_set_drift(&node->time, faults->simulation->queue.now_us, drift_ppm);
}

static uint64_t pause_us(struct faults *faults) {
    const struct simulation *simulation = faults->simulation;
    bool is_time_left = simulation->queue.now_us + FAULT_PAUSE_LONG_US < simulation->faults_end_us;
    if (random_chance(faults_random(faults), 0.02) && is_time_left)
        return FAULT_PAUSE_LONG_US;
    return random_chance(faults_random(faults), 0.5) ? faults_between(faults, 10000, 400000)
                                                     : faults_between(faults, 400000, 4000000);
}

void fault_pause_node(struct faults *faults) {
    struct sim_node *node =
        random_chance(faults_random(faults), 0.7) ? faults_leader(faults) : faults_node(faults);
    trace_line(&faults->simulation->trace, "fault: node %u is stopped for a while",
               node->index + 1);
    sim_node_pause(node, pause_us(faults));
}

void fault_pause_thread(struct faults *faults) {
    sim_clock_hold(&sim_node_worker_by_lot(faults_node(faults))->clock, pause_us(faults));
}

void fault_stall_in_call(struct faults *faults) {
    struct sim_thread *thread = sim_node_worker_by_lot(faults_leader(faults));
    thread->clock.stall_after_reads = (unsigned)faults_between(faults, 1, 60);
    thread->clock.stall_us = faults_between(faults, 100000, FAULT_STALL_MOST_US);
}
