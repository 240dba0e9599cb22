#include "sim/faults.h"
#include "base/check.h"
#include "base/memory.h"
#include "cluster/feature.h"
#include "shard/shard.h"
#include "sim/checks.h"
#include "sim/full_disk.h"
#include "sim/loss.h"
#include "sim/membership.h"
#include "sim/node.h"
#include "sim/rot.h"
#include "sim/settings.h"
#include "sim/slowness.h"
#include <string.h>

enum fault_mix {
    MIX_EVERYTHING,
    MIX_CRASHES,
    MIX_PARTITIONS,
    MIX_CLOCKS,
    MIX_DAMAGE,
    MIX_ABSENCE,
    MIX_LEADERS,
    MIX_CHURN,
    MIX_MEMBERSHIP,
    MIX_SLOWNESS,
    MIX_ASYNC,
    MIX_UPGRADE,
    MIX_SPACE,
    MIX_LOSS,
    MIX_COUNT
};
static const char *const mix_names[MIX_COUNT] = {
    "everything", "crashes",    "partitions", "clocks", "damage",  "absence", "leaders",
    "churn",      "membership", "slowness",   "async",  "upgrade", "space",   "loss"};

enum fault_kind {
#define FAULT(name, ...) FAULT_##name,
#include "sim/fault.def"
#undef FAULT
    FAULT_COUNT
};

static const unsigned fault_shares[FAULT_COUNT][MIX_COUNT] = {
#define FAULT(name, ...) {__VA_ARGS__},
#include "sim/fault.def"
#undef FAULT
};

enum {
    FAULT_GAP_LEAST_MOST_US = 500000,
    FAULT_GAP_MOST_MOST_US = 4000000,
    FAULT_DRIFT_MOST_PPM =
        80000, /* two nodes differ by less than the fifth that a lease gives up */
    FAULT_WALL_JUMP_MOST_MS = 20000,
    FAULT_WALL_JUMP_FAR_MS = 3600 * 1000,   /* seldom, as after a battery's end: an hour */
    FAULT_PAUSE_LONG_US = 30 * 1000 * 1000, /* seldom, as of a machine that is moved */
    FAULT_STALL_MOST_US = 1500000
};

struct faults {
    struct simulation *simulation;
    enum fault_mix mix;
    uint64_t gap_most_us; /* between two faults */
    bool is_on;
    uint64_t partition_number; /* of the latest: an earlier one's end does not end it */
    uint64_t weather_number;
    uint64_t churn_until_us, churn_term;
    uint32_t churn_shard;
    unsigned churn_turn;
    unsigned trapped_leader;
    struct membership *membership;
    struct slowness *slowness;
    struct rot *rot;
    struct settings_operator *settings;
};

static event_run fault_event, partition_end_event, weather_end_event, slow_disk_end_event;

/* ---- helpers ---- */

static struct random *faults_random(struct faults *faults) { return &faults->simulation->random; }

static uint64_t faults_between(struct faults *faults, uint64_t low, uint64_t high) {
    return random_between(faults_random(faults), low, high);
}

static struct sim_node *faults_node(struct faults *faults) {
    return faults->simulation
        ->nodes[random_below(faults_random(faults), faults->simulation->node_count)];
}

/* The leader of some shard, or any node where it is not known. */
static struct sim_node *faults_leader(struct faults *faults) {
    struct simulation *simulation = faults->simulation;
    unsigned leader = checks_leader(
        simulation, (uint32_t)random_below(faults_random(faults), simulation->shard_count + 1));
    return leader < simulation->node_count ? simulation->nodes[leader] : faults_node(faults);
}

static struct event *faults_later(struct faults *faults, uint64_t delay_us, event_run *run) {
    struct event_queue *queue = &faults->simulation->queue;
    return event_schedule(queue, queue->now_us + delay_us, run, faults);
}

/* ---- the network ---- */

static void partition_begins(struct faults *faults) {
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

static void isolate(struct faults *faults, unsigned node, bool inwards, bool outwards) {
    partition_begins(faults);
    trace_line(&faults->simulation->trace, "fault: node %u is cut off%s", node + 1,
               inwards && outwards ? ""
               : inwards           ? " inwards"
                                   : " outwards");
    for (unsigned other = 0; other < faults->simulation->node_count; other++) {
        if (outwards)
            sim_net_block(faults->simulation->net, node, other, true);
        if (inwards)
            sim_net_block(faults->simulation->net, other, node, true);
    }
}

static void fault_partition_node(struct faults *faults) {
    isolate(faults, faults_node(faults)->index, true, true);
}

static void fault_partition_leader(struct faults *faults) {
    isolate(faults, faults_leader(faults)->index, true, true);
}

static void fault_partition_halves(struct faults *faults) {
    struct simulation *simulation = faults->simulation;
    uint64_t side = random_next(faults_random(faults));
    partition_begins(faults);
    trace_line(&simulation->trace, "fault: the network falls in two");
    for (unsigned a = 0; a < simulation->node_count; a++)
        for (unsigned b = 0; b < simulation->node_count; b++)
            sim_net_block(simulation->net, a, b, (side >> a & 1) != (side >> b & 1));
}

static void fault_partition_one_way(struct faults *faults) {
    struct simulation *simulation = faults->simulation;
    unsigned node = faults_leader(faults)->index;
    if (random_chance(faults_random(faults), 0.6)) {
        bool inwards = random_chance(faults_random(faults), 0.5);
        isolate(faults, node, inwards, !inwards);
        return;
    }
    unsigned other = faults_node(faults)->index;
    partition_begins(faults);
    trace_line(&simulation->trace, "fault: node %u does not reach node %u", node + 1, other + 1);
    sim_net_block(simulation->net, node, other, true);
}

static void weather_clears(struct faults *faults) {
    *sim_net_weather(faults->simulation->net) =
        (struct sim_weather){.least_delay_us = 100, .most_delay_us = 600};
}

static void fault_bad_weather(struct faults *faults) {
    struct random *random = faults_random(faults);
    struct sim_weather *weather = sim_net_weather(faults->simulation->net);
    trace_line(&faults->simulation->trace, "fault: bad weather");
    weather->loss = random_unit(random) * 0.5;
    weather->doubling = random_unit(random) * 0.3;
    weather->least_delay_us = 100;
    weather->most_delay_us = faults_between(faults, 600, 30000);
    weather->late = random_unit(random) * 0.2;
    weather->late_us = faults_between(faults, 1000, 800000);
    faults_later(faults, faults_between(faults, 200000, 5000000), weather_end_event)->number =
        ++faults->weather_number;
}

static void weather_end_event(struct event *event) {
    struct faults *faults = event->context;
    if (event->number == faults->weather_number)
        weather_clears(faults);
}

static void fault_streams_reset(struct faults *faults) {
    unsigned a = faults_node(faults)->index, b = faults_node(faults)->index;
    trace_line(&faults->simulation->trace, "fault: streams between nodes %u and %u break", a + 1,
               b + 1);
    if (a != b)
        sim_net_reset_streams(faults->simulation->net, a, b);
}

/* ---- crashes ---- */

static void fault_crash_process(struct faults *faults) {
    sim_node_kill(faults_node(faults), SIM_DEATH_OF_PROCESS);
}
static void fault_crash_power(struct faults *faults) {
    sim_node_kill(faults_node(faults), SIM_DEATH_BY_POWER);
}

static void fault_crash_leader(struct faults *faults) {
    bool is_power = random_chance(faults_random(faults), 0.5);
    sim_node_kill(faults_leader(faults), is_power ? SIM_DEATH_BY_POWER : SIM_DEATH_OF_PROCESS);
}

static void fault_crash_all(struct faults *faults) {
    bool is_power = random_chance(faults_random(faults), 0.8);
    for (unsigned node = 0; node < faults->simulation->node_count; node++)
        sim_node_kill(faults->simulation->nodes[node],
                      is_power ? SIM_DEATH_BY_POWER : SIM_DEATH_OF_PROCESS);
}

static void fault_crash_at_disk_call(struct faults *faults) {
    struct sim_node *node =
        random_chance(faults_random(faults), 0.5) ? faults_leader(faults) : faults_node(faults);
    node->power.off_at_call = node->power.call_count + faults_between(faults, 1, 40);
    trace_line(&faults->simulation->trace, "fault: node %u will fail in the middle of a disk call",
               node->index + 1);
}

static void fault_long_absence(struct faults *faults) {
    struct sim_node *node = faults_node(faults);
    node->down_until_us =
        faults->simulation->queue.now_us + faults_between(faults, 5000000, 20000000);
    trace_line(&faults->simulation->trace, "fault: node %u goes away for long", node->index + 1);
    sim_node_kill(node, random_chance(faults_random(faults), 0.5) ? SIM_DEATH_BY_POWER
                                                                  : SIM_DEATH_OF_PROCESS);
}

/* ---- disks ---- */

static void fault_sync_failure(struct faults *faults) {
    struct sim_node *node = faults_node(faults);
    node->power.sync_failure_at_call = node->power.call_count + faults_between(faults, 1, 10);
}

static void slow_disk_end_event(struct event *event) {
    struct faults *faults = event->context;
    faults->simulation->nodes[event->number]->power.slow_us = 0;
}

static void fault_slow_disk(struct faults *faults) {
    struct sim_node *node =
        random_chance(faults_random(faults), 0.5) ? faults_leader(faults) : faults_node(faults);
    node->power.slow_us = faults_between(faults, 2000, 300000);
    trace_line(&faults->simulation->trace, "fault: the disk of node %u is %llu us slower",
               node->index + 1, (unsigned long long)node->power.slow_us);
    faults_later(faults, faults_between(faults, 500000, 5000000), slow_disk_end_event)->number =
        node->index;
}

static void fault_full_disk(struct faults *faults) {
    full_disk_begin(random_chance(faults_random(faults), 0.5) ? faults_leader(faults)
                                                              : faults_node(faults));
}

static void fault_full_disks(struct faults *faults) {
    for (unsigned node = 0; node < faults->simulation->node_count; node++)
        full_disk_begin(faults->simulation->nodes[node]);
}

static void fault_slow_leader(struct faults *faults) {
    slowness_begin(faults->slowness, faults_leader(faults));
}

static void fault_bit_rot(struct faults *faults) {
    rot_log(faults->rot, faults_node(faults)->index);
}

static void fault_bit_rot_in_turn(struct faults *faults) { rot_logs_in_turn(faults->rot); }

static void fault_rot_at_rest(struct faults *faults) {
    rot_at_rest(faults->rot, faults_node(faults)->index);
}

static void fault_snapshot_rot(struct faults *faults) {
    rot_snapshot(faults->rot, faults_node(faults)->index);
}

/* ---- time ---- */

static void fault_wall_clock_jump(struct faults *faults) {
    struct sim_node *node =
        random_chance(faults_random(faults), 0.6) ? faults_leader(faults) : faults_node(faults);
    uint64_t most_ms = random_chance(faults_random(faults), 0.1) ? FAULT_WALL_JUMP_FAR_MS
                                                                 : FAULT_WALL_JUMP_MOST_MS;
    uint64_t jump_ms = faults_between(faults, 0, 2 * most_ms);
    node->time.wall_offset_ms = SIM_WALL_START_MS + jump_ms - most_ms;
    trace_line(&faults->simulation->trace, "fault: the wall clock of node %u jumps to %lld ms off",
               node->index + 1, (long long)(jump_ms - most_ms));
}

static void fault_clock_drift(struct faults *faults) {
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

static void fault_pause_node(struct faults *faults) {
    struct sim_node *node =
        random_chance(faults_random(faults), 0.7) ? faults_leader(faults) : faults_node(faults);
    trace_line(&faults->simulation->trace, "fault: node %u is stopped for a while",
               node->index + 1);
    sim_node_pause(node, pause_us(faults));
}

static void fault_pause_thread(struct faults *faults) {
    sim_clock_hold(&sim_node_worker_by_lot(faults_node(faults))->clock, pause_us(faults));
}

static void fault_stall_in_call(struct faults *faults) {
    struct sim_thread *thread = sim_node_worker_by_lot(faults_leader(faults));
    thread->clock.stall_after_reads = (unsigned)faults_between(faults, 1, 60);
    thread->clock.stall_us = faults_between(faults, 100000, FAULT_STALL_MOST_US);
}

/* ---- faults that aim at moments ---- */

/* For a while every new leader is cut off soon after its election and the one before it let in
 * again, on a slow network: logs get tails of many terms that a later leader takes over piece by
 * piece (the thesis's figure 3.7). */
static void churn_cut_event(struct event *event) {
    struct faults *faults = event->context;
    if (faults->is_on && event->number < faults->simulation->node_count)
        isolate(faults, (unsigned)event->number, true, true);
}

/* In turn: one that has clients already, so that a tail of their writes stays with it; one that
 * gets no word out; one that is in the middle of telling the first one's tail. Now and then the
 * turns are mixed up. */
static uint64_t churn_patience_us(struct faults *faults) {
    if (random_chance(faults_random(faults), 0.1))
        faults->churn_turn++;
    switch (faults->churn_turn++ % 3) {
    case 0:
        return faults_between(faults, 130000, 400000);
    case 1:
        return faults_between(faults, 0, 8000);
    default:
        return faults_between(faults, 45000, 105000);
    }
}

static void churn_event(struct event *event) {
    struct faults *faults = event->context;
    struct simulation *simulation = faults->simulation;
    if (!faults->is_on || simulation->queue.now_us >= faults->churn_until_us)
        return;
    uint64_t term = checks_newest_term(simulation, faults->churn_shard);
    if (term != faults->churn_term) {
        faults->churn_term = term;
        faults_later(faults, churn_patience_us(faults), churn_cut_event)->number =
            checks_leader(simulation, faults->churn_shard);
    }
    event_again(&simulation->queue, event, simulation->queue.now_us + 1000);
}

static void fault_leader_churn(struct faults *faults) {
    struct simulation *simulation = faults->simulation;
    bool is_running = simulation->queue.now_us < faults->churn_until_us;
    faults->churn_until_us = simulation->queue.now_us + faults_between(faults, 3000000, 12000000);
    if (is_running)
        return;
    trace_line(&simulation->trace, "fault: leaders come and go");
    faults->churn_shard = (uint32_t)faults_between(faults, 1, simulation->shard_count);
    sim_net_weather(simulation->net)->least_delay_us = 10000;
    sim_net_weather(simulation->net)->most_delay_us = 25000;
    faults_later(faults, faults->churn_until_us - simulation->queue.now_us, weather_end_event)
        ->number = ++faults->weather_number;
    faults_later(faults, 0, churn_event);
}

static void faults_set_mood(struct faults *faults, enum mood_kind kind, unsigned node,
                            uint64_t quiet_us, uint64_t eager_us) {
    uint64_t quiet_until_us = faults->simulation->queue.now_us + quiet_us;
    faults->simulation->mood = (struct mood){.kind = kind,
                                             .node = node,
                                             .quiet_until_us = quiet_until_us,
                                             .eager_until_us = quiet_until_us + eager_us};
}

/* All clients fall silent and then come back at once. */
static void fault_hush(struct faults *faults) {
    faults_set_mood(faults, MOOD_ANY, 0, faults_between(faults, 100000, 1500000), 300000);
}

/* A leader is cut off, and while some clients go on to read there, others go on to write elsewhere.
 */
static void fault_old_leader(struct faults *faults) {
    struct sim_node *leader = faults_leader(faults);
    bool is_stopped = random_chance(faults_random(faults), 0.3);
    faults_set_mood(faults, MOOD_CAMPS, leader->index, 0, 2000000);
    isolate(faults, leader->index, true, true);
    if (is_stopped)
        sim_node_pause(leader, faults_between(faults, 100000, 1000000));
}

static struct sim_node *faults_other(struct faults *faults, const struct sim_node *than,
                                     const struct sim_node *nor) {
    for (;;) {
        struct sim_node *node = faults_node(faults);
        if (node != than && node != nor)
            return node;
    }
}

/* A follower of a leader's lease restarts in a moment, while a third node, cut off from that leader
 * and up to date, wants to be elected: what the follower promised by its answer to the leader must
 * hold all the same. */
static void quick_restart_event(struct event *event) {
    struct faults *faults = event->context;
    struct simulation *simulation = faults->simulation;
    struct sim_node *node = simulation->nodes[event->number];
    if (!faults->is_on || !node->is_up)
        return;
    isolate(faults, faults->trapped_leader, true, true);
    node->is_restart_quick = true;
    sim_node_kill(node, SIM_DEATH_OF_PROCESS);
    faults_set_mood(faults, MOOD_CAMPS, faults->trapped_leader, 0, 600000);
}

static void third_cut_event(struct event *event) {
    struct faults *faults = event->context;
    struct simulation *simulation = faults->simulation;
    if (!faults->is_on)
        return;
    struct sim_node *leader = simulation->nodes[faults->trapped_leader];
    struct sim_node *follower = simulation->nodes[event->number];
    struct sim_node *third = faults_other(faults, leader, follower);
    partition_begins(faults);
    trace_line(&simulation->trace,
               "fault: node %u is cut off from leader %u; soon node %u restarts", third->index + 1,
               leader->index + 1, follower->index + 1);
    sim_net_block(simulation->net, leader->index, third->index, true);
    sim_net_block(simulation->net, third->index, leader->index, true);
    faults_later(faults, faults_between(faults, 100000, 500000), quick_restart_event)->number =
        follower->index;
}

static void fault_restart_within_lease(struct faults *faults) {
    if (faults->simulation->node_count < 3)
        return;
    struct sim_node *leader = faults_leader(faults);
    struct sim_node *follower = faults_other(faults, leader, leader);
    faults->trapped_leader = leader->index;
    faults_set_mood(faults, MOOD_ANY, 0, 700000, 1000);
    faults_later(faults, 50000, third_cut_event)->number = follower->index;
}

/* A leader that has told another to campaign is cut off at once: it must not serve reads on its
 * lease, since the voters forget about that for such a campaign. */
static void cut_event(struct event *event) {
    struct faults *faults = event->context;
    if (faults->is_on)
        isolate(faults, (unsigned)event->number, true, true);
}

static void fault_cut_in_transfer(struct faults *faults) {
    struct simulation *simulation = faults->simulation;
    uint32_t number = (uint32_t)faults_between(faults, 1, simulation->shard_count);
    unsigned leader = checks_leader(simulation, number);
    if (leader >= simulation->node_count || !sim_node_is_alive(simulation->nodes[leader]))
        return;
    struct sim_thread *thread =
        &simulation->nodes[leader]->threads[number % simulation->worker_count];
    struct shard *shard = thread->worker ? worker_shard(thread->worker, number) : NULL;
    uint64_t again_us;
    if (shard == NULL || !sim_thread_is_ready(thread, &again_us))
        return;
    trace_line(&simulation->trace, "fault: node %u gives shard %u away, and is cut off then",
               leader + 1, number);
    shard_transfer(shard, 0, "asked");
    sim_thread_touch(thread);
    faults_set_mood(faults, MOOD_CAMPS, leader, 0, 600000);
    faults_later(faults, faults_between(faults, 200, 3000), cut_event)->number = leader;
}

/* The same while everybody writes: what only the leader and the follower had received, the follower
 * has forgotten, and the two others go on without it. */
static void fault_forgetful_follower(struct faults *faults) {
    if (faults->simulation->node_count < 3)
        return;
    struct sim_node *leader = faults_leader(faults);
    faults->trapped_leader = leader->index;
    faults_set_mood(faults, MOOD_ANY, 0, 0, 1000000);
    faults_later(faults, 1000, third_cut_event)->number =
        faults_other(faults, leader, leader)->index;
}

/* A leader whose wall clock runs ahead answers reads of keys that are past their time for it alone,
 * and is gone a moment later: no other may show such a key again. */
static void depose_event(struct event *event) {
    struct faults *faults = event->context;
    struct sim_node *node = faults->simulation->nodes[event->number];
    if (!faults->is_on)
        return;
    if (random_chance(faults_random(faults), 0.5))
        isolate(faults, node->index, true, true);
    else
        sim_node_kill(node, SIM_DEATH_OF_PROCESS);
}

static void clock_ahead_event(struct event *event) {
    struct faults *faults = event->context;
    struct sim_node *leader = faults->simulation->nodes[event->number];
    leader->time.wall_offset_ms =
        SIM_WALL_START_MS + faults_between(faults, 500, FAULT_WALL_JUMP_MOST_MS);
    trace_line(&faults->simulation->trace,
               "fault: the wall clock of node %u jumps ahead, and then it goes", leader->index + 1);
    faults_later(faults, faults_between(faults, 1000, 120000), depose_event)->number =
        leader->index;
}

static void fault_clock_ahead_then_deposed(struct faults *faults) {
    struct simulation *simulation = faults->simulation;
    for (unsigned i = 0; i < simulation->node_count; i++)
        simulation->nodes[i]->time.wall_offset_ms = SIM_WALL_START_MS;
    faults_set_mood(faults, MOOD_READS, 0, 0, 1500000);
    faults_later(faults, 20000, clock_ahead_event)->number = faults_leader(faults)->index;
}

static struct membership *faults_membership(struct faults *faults) {
    if (faults->membership == NULL)
        faults->membership = membership_new(faults->simulation);
    return faults->membership;
}

static void fault_change_replicas(struct faults *faults) {
    membership_change(faults_membership(faults));
}

static void fault_remove_node(struct faults *faults) {
    membership_remove_node(faults_membership(faults));
}

static void fault_lose_nodes(struct faults *faults) { loss_begin(faults->simulation->loss); }

static void fault_change_settings(struct faults *faults) {
    if (faults->settings == NULL)
        faults->settings = settings_operator_new(faults->simulation);
    settings_operator_change(faults->settings);
}

/* A node restarts as the release before, or the one after, would: two versions of the protocol
 * between nodes meet in every combination, while clients go on. */
static void fault_roll_protocol(struct faults *faults) {
    struct sim_node *node = faults_node(faults);
    node->protocol = node->protocol == 1 ? SIM_PROTOCOL_NEWEST : node->protocol - 1;
    node->level += node->level < FEATURE_LEVEL_NEWEST && random_chance(faults_random(faults), 0.3);
    trace_line(&faults->simulation->trace, "fault: node %u restarts with protocol %u, level %u",
               node->index + 1, node->protocol, node->level);
    node->is_restart_quick = random_chance(faults_random(faults), 0.5);
    sim_node_kill(node, SIM_DEATH_OF_PROCESS);
}

/* ---- the schedule ---- */

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
#include "sim/fault.def"
#undef FAULT
    case FAULT_COUNT:
        break;
    }
    UNREACHABLE();
}

static enum fault_kind fault_by_lot(struct faults *faults) {
    unsigned sum = 0;
    for (int kind = 0; kind < FAULT_COUNT; kind++)
        sum += fault_shares[kind][faults->mix];
    uint64_t lot = random_below(faults_random(faults), sum);
    for (int kind = 0; kind < FAULT_COUNT; kind++) {
        if (lot < fault_shares[kind][faults->mix])
            return (enum fault_kind)kind;
        lot -= fault_shares[kind][faults->mix];
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
    fault_schedule(faults);
}

struct faults *faults_new(struct simulation *simulation) {
    struct faults *faults = memory_allocate_zeroed(1, sizeof *faults);
    faults->simulation = simulation;
    faults->slowness = slowness_new(simulation);
    faults->mix = (enum fault_mix)random_below(&simulation->random, MIX_COUNT);
    if (simulation->options.mix >= 0)
        faults->mix = (enum fault_mix)simulation->options.mix;
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
    if (faults->settings)
        settings_operator_free(faults->settings);
    memory_free(faults);
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
    weather_clears(faults);
    for (unsigned i = 0; i < simulation->node_count; i++) {
        struct sim_node *node = simulation->nodes[i];
        node->power.off_at_call = node->power.sync_failure_at_call = node->power.slow_us = 0;
        full_disk_end(node);
        sim_time_set_drift(&node->time, simulation->queue.now_us, 0);
        node->down_until_us = 0;
        if (!node->is_up && !node->is_given_up)
            sim_node_restart_at(node, simulation->queue.now_us + 1000);
        for (unsigned thread = 0; thread <= SIM_WORKER_MAXIMUM; thread++)
            node->threads[thread].clock.stall_after_reads = 0;
    }
}

const char *faults_mix_name(const struct faults *faults) { return mix_names[faults->mix]; }

bool faults_want_more_nodes(const struct faults *faults) {
    return faults->mix == MIX_MEMBERSHIP || faults->mix == MIX_LOSS;
}

bool faults_lose_nodes(const struct faults *faults) { return faults->mix == MIX_LOSS; }

bool faults_like_moves(const struct faults *faults) { return faults->mix == MIX_SLOWNESS; }
bool faults_roll_protocols(const struct faults *faults) { return faults->mix == MIX_UPGRADE; }

bool faults_want_async(const struct faults *faults) { return faults->mix == MIX_ASYNC; }

bool faults_like_small_messages(const struct faults *faults) { return faults->mix == MIX_CHURN; }

int faults_find_mix(const char *name) {
    for (int mix = 0; mix < MIX_COUNT; mix++)
        if (strcmp(mix_names[mix], name) == 0)
            return mix;
    return -1;
}

const char *faults_mix_name_of(int mix) { return mix_names[mix]; }
