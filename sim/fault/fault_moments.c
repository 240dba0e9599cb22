/* Faults that wait for a bad moment. */
#include "shard/shard.h"
#include "sim/check/checks.h"
#include "sim/fault/fault.h"
#include "sim/fault/fault_network.h"
#include "sim/life/full_disk.h"
#include "sim/life/life.h"
#include "sim/life/thread.h"
#include "sim/operator/settings.h"

/* For a while every new leader is cut off soon after its election and the one before it let in
 * again, on a slow network: logs get tails of many terms that a later leader takes over piece by
 * piece (the thesis's figure 3.7). */
static void churn_cut_event(struct event *event) {
    struct faults *faults = event->context;
    if (faults->is_on && event->number < faults->simulation->node_count)
        faults_isolate(faults, (unsigned)event->number, true, true);
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

void fault_leader_churn(struct faults *faults) {
    struct simulation *simulation = faults->simulation;
    bool is_running = simulation->queue.now_us < faults->churn_until_us;
    faults->churn_until_us = simulation->queue.now_us + faults_between(faults, 3000000, 12000000);
    if (is_running)
        return;
    trace_line(&simulation->trace, "fault: leaders come and go");
    faults->churn_shard = (uint32_t)faults_between(faults, 1, simulation->shard_count);
    sim_net_weather(simulation->net)->least_delay_us = 10000;
    sim_net_weather(simulation->net)->most_delay_us = 25000;
    faults_later(faults, faults->churn_until_us - simulation->queue.now_us,
                 faults_weather_end_event)
        ->number = ++faults->weather_number;
    faults_later(faults, 0, churn_event);
}

enum {
    LATE_APPEND_POLL_US = 100,
    LATE_APPEND_MOST_US = 1000000,
    LATE_APPEND_AWAY_US = 3000000, /* until the others have a leader of their own */
    SHORTENED_MOST_US = 60000,
    FORGETFUL_SLOW_MOST_US = 200000,
    LEARNER_POLL_US = 500,
    LEARNER_AWAITED_US = 3000000,
    LEARNER_FULL_LEAST_US = 1000000,
    LEARNER_FULL_MOST_US = 50000000, /* longer than a leader waits for one that takes nothing */
    PROMISE_WORDS = 6
};

/* Settings by which a node promises a leader as much as it may, or as little. */
static const struct bytes LONG_PROMISE[PROMISE_WORDS] = {
    BYTES_LITERAL("heartbeat-ms"), BYTES_LITERAL("40"),       BYTES_LITERAL("election-timeout-ms"),
    BYTES_LITERAL("400"),          BYTES_LITERAL("lease-ms"), BYTES_LITERAL("400")};
static const struct bytes SHORT_PROMISE[PROMISE_WORDS] = {
    BYTES_LITERAL("heartbeat-ms"), BYTES_LITERAL("10"),       BYTES_LITERAL("election-timeout-ms"),
    BYTES_LITERAL("30"),           BYTES_LITERAL("lease-ms"), BYTES_LITERAL("10")};

static void faults_set_mood(struct faults *faults, enum mood_kind kind, unsigned node,
                            uint64_t quiet_us, uint64_t eager_us) {
    uint64_t quiet_until_us = faults->simulation->queue.now_us + quiet_us;
    faults->simulation->mood = (struct mood){.kind = kind,
                                             .node = node,
                                             .quiet_until_us = quiet_until_us,
                                             .eager_until_us = quiet_until_us + eager_us};
}

/* All clients fall silent and then come back at once. */
void fault_hush(struct faults *faults) {
    faults_set_mood(faults, MOOD_ANY, 0, faults_between(faults, 100000, 1500000), 300000);
}

/* A leader is cut off, and while some clients go on to read there, others go on to write elsewhere.
 */
void fault_old_leader(struct faults *faults) {
    struct sim_node *leader = faults_leader(faults);
    bool is_stopped = random_chance(faults_random(faults), 0.3);
    faults_set_mood(faults, MOOD_CAMPS, leader->index, 0, 2000000);
    faults_isolate(faults, leader->index, true, true);
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

/* From nobody else. */
static void cut_from_leader(struct faults *faults, const struct sim_node *node) {
    struct simulation *simulation = faults->simulation;
    unsigned leader = faults->trapped_leader;
    faults_partition_begins(faults);
    trace_line(&simulation->trace, "fault: node %u and leader %u are cut off from each other",
               node->index + 1, leader + 1);
    sim_net_block(simulation->net, leader, node->index);
    sim_net_block(simulation->net, node->index, leader);
}

/* Somebody has written another lease-ms into the node's file, mostly a shorter one. */
static void lease_by_lot(struct faults *faults, struct sim_node *node) {
    bool is_short = random_chance(faults_random(faults), 0.7);
    node->lease_ms = is_short ? (unsigned)faults_between(faults, 10, 40) : 0;
}

/* A follower of a leader's lease restarts in a moment, while a third node, cut off from that leader
 * and up to date, wants to be elected: what the follower promised by its answer to the leader must
 * hold all the same, whatever its settings are by then. */
static void quick_restart_event(struct event *event) {
    struct faults *faults = event->context;
    struct simulation *simulation = faults->simulation;
    struct sim_node *node = simulation->nodes[event->number];
    if (!faults->is_on || !node->is_up)
        return;
    faults_isolate(faults, faults->trapped_leader, true, true);
    node->is_restart_quick = true;
    node->power.slow_us = 0;
    lease_by_lot(faults, node);
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
    cut_from_leader(faults, faults_other(faults, leader, follower));
    faults_later(faults, faults_between(faults, 100000, 500000), quick_restart_event)->number =
        follower->index;
}

void fault_restart_within_lease(struct faults *faults) {
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
        faults_isolate(faults, (unsigned)event->number, true, true);
}

void fault_cut_in_transfer(struct faults *faults) {
    struct simulation *simulation = faults->simulation;
    uint32_t number = (uint32_t)faults_between(faults, 1, simulation->shard_count);
    unsigned leader = checks_leader(simulation, number);
    if (leader >= simulation->node_count || !sim_node_is_alive(simulation->nodes[leader]))
        return;
    struct sim_thread *thread =
        &simulation->nodes[leader]->threads[number % simulation->worker_count];
    struct shard *shard = sim_node_replica(simulation->nodes[leader], number);
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

/* The same where the follower's promise was as long as it may be, and the third node wants to be
 * elected every few hundredths of a second: whatever the follower would promise in its next life,
 * it waits for what it promised in the former. */
static void hasty_third_event(struct event *event) {
    struct faults *faults = event->context;
    struct simulation *simulation = faults->simulation;
    if (!faults->is_on)
        return;
    struct sim_node *leader = simulation->nodes[faults->trapped_leader];
    struct sim_node *third = faults_other(faults, leader, simulation->nodes[event->number]);
    cut_from_leader(faults, third);
    settings_operator_tune(faults_settings(faults), third->index, SHORT_PROMISE, PROMISE_WORDS,
                           1500000);
    faults_later(faults, faults_between(faults, 100000, 500000), quick_restart_event)->number =
        event->number;
}

void fault_outlived_promise(struct faults *faults) {
    if (faults->simulation->node_count < 3)
        return;
    struct sim_node *leader = faults_leader(faults);
    struct sim_node *follower = faults_other(faults, leader, leader);
    faults->trapped_leader = leader->index;
    settings_operator_tune(faults_settings(faults), leader->index, LONG_PROMISE, PROMISE_WORDS,
                           1500000);
    settings_operator_tune(faults_settings(faults), follower->index, LONG_PROMISE, PROMISE_WORDS,
                           1500000);
    faults_later(faults, 50000, hasty_third_event)->number = follower->index;
}

/* The same while everybody writes: what only the leader and the follower had received, the follower
 * has forgotten, all the more of it the slower its disk was, and the two others go on without it.
 */
void fault_forgetful_follower(struct faults *faults) {
    if (faults->simulation->node_count < 3)
        return;
    struct sim_node *leader = faults_leader(faults);
    struct sim_node *follower = faults_other(faults, leader, leader);
    faults->trapped_leader = leader->index;
    follower->power.slow_us = faults_between(faults, 0, FORGETFUL_SLOW_MOST_US);
    faults_set_mood(faults, MOOD_ANY, 0, 0, 1000000);
    faults_later(faults, 1000, third_cut_event)->number = follower->index;
}

/* A follower's settings are made shorter while the longer promise that it gave by the former ones
 * is out, and a third node would vote for it: the leader goes on to serve reads for as long as it
 * was promised, so nobody may be elected before. */
static void shorten_event(struct event *event) {
    struct faults *faults = event->context;
    if (!faults->is_on)
        return;
    settings_operator_tune(faults_settings(faults), (unsigned)event->number, SHORT_PROMISE,
                           PROMISE_WORDS, 1500000);
    faults_set_mood(faults, MOOD_CAMPS, faults->trapped_leader, 0, 600000);
    faults_later(faults, faults_between(faults, 0, SHORTENED_MOST_US), cut_event)->number =
        faults->trapped_leader;
}

void fault_impatient_follower(struct faults *faults) {
    if (faults->simulation->node_count < 3)
        return;
    struct sim_node *leader = faults_leader(faults);
    struct sim_node *follower = faults_other(faults, leader, leader);
    faults->trapped_leader = leader->index;
    settings_operator_tune(faults_settings(faults), follower->index, LONG_PROMISE, PROMISE_WORDS,
                           1500000);
    cut_from_leader(faults, faults_other(faults, leader, follower));
    faults_later(faults, faults_between(faults, 450000, 900000), shorten_event)->number =
        follower->index;
}

/* A leader has committed what only one follower has besides, and that follower does not know yet.
 * Then the leader is gone, and some of what it had sent comes to the follower once more: what the
 * follower had acknowledged must be there when the two others go on. */
static bool knows_less_than_it_has(const struct faults *faults) {
    const struct simulation *simulation = faults->simulation;
    struct shard *shard =
        sim_node_replica(simulation->nodes[faults->late_follower], faults->late_shard);
    uint64_t committed = checks_committed(simulation, faults->late_shard);
    return shard && raft_commit_index(shard_raft(shard)) < committed &&
           raft_last_index(shard_raft(shard)) >= committed;
}

static void late_append_event(struct event *event) {
    struct faults *faults = event->context;
    struct simulation *simulation = faults->simulation;
    if (!faults->is_on || simulation->queue.now_us > faults->late_until_us ||
        checks_leader(simulation, faults->late_shard) != faults->trapped_leader)
        return;
    if (!knows_less_than_it_has(faults)) {
        event_again(&simulation->queue, event, simulation->queue.now_us + LATE_APPEND_POLL_US);
        return;
    }
    simulation->statistics.late_appends++;
    trace_line(&simulation->trace, "fault: what node %u heard of leader %u comes again",
               faults->late_follower + 1, faults->trapped_leader + 1);
    struct sim_node *leader = simulation->nodes[faults->trapped_leader];
    sim_net_break_echoing(simulation->net, leader->index, faults->late_follower);
    leader->down_until_us = simulation->queue.now_us + LATE_APPEND_AWAY_US;
    sim_node_kill(leader, SIM_DEATH_OF_PROCESS);
}

void fault_late_append(struct faults *faults) {
    struct simulation *simulation = faults->simulation;
    uint32_t shard = (uint32_t)faults_between(faults, 1, simulation->shard_count);
    unsigned leader = checks_leader(simulation, shard);
    bool is_watching = simulation->queue.now_us <= faults->late_until_us;
    if (simulation->node_count < 3 || leader >= simulation->node_count || is_watching)
        return;
    struct sim_node *follower = faults_other(faults, simulation->nodes[leader], NULL);
    faults->trapped_leader = leader;
    faults->late_shard = shard;
    faults->late_follower = follower->index;
    faults->late_until_us = simulation->queue.now_us + LATE_APPEND_MOST_US;
    faults_set_mood(faults, MOOD_ANY, 0, 0, LATE_APPEND_MOST_US);
    cut_from_leader(faults, faults_other(faults, simulation->nodes[leader], follower));
    faults_later(faults, faults_between(faults, 10000, 300000), late_append_event);
}

/* A leader whose wall clock runs ahead answers reads of keys that are past their time for it alone,
 * and is gone a moment later: no other may show such a key again. */
static void depose_event(struct event *event) {
    struct faults *faults = event->context;
    struct sim_node *node = faults->simulation->nodes[event->number];
    if (!faults->is_on)
        return;
    if (random_chance(faults_random(faults), 0.5))
        faults_isolate(faults, node->index, true, true);
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

void fault_clock_ahead_then_deposed(struct faults *faults) {
    struct simulation *simulation = faults->simulation;
    for (unsigned i = 0; i < simulation->node_count; i++)
        simulation->nodes[i]->time.wall_offset_ms = SIM_WALL_START_MS;
    faults_set_mood(faults, MOOD_READS, 0, 0, 1500000);
    faults_later(faults, 20000, clock_ahead_event)->number = faults_leader(faults)->index;
}

/* A new replica has no space as soon as it begins to learn, and is heard all the same: the change
 * is given up, and goes on when there is space. */
static struct sim_node *learner_of(const struct simulation *simulation, uint32_t shard) {
    unsigned leader = checks_leader(simulation, shard);
    struct shard *replica =
        leader < simulation->node_count ? sim_node_replica(simulation->nodes[leader], shard) : NULL;
    const struct raft_configuration *members =
        replica ? raft_configuration(shard_raft(replica)) : NULL;
    return members && members->learner_count > 0 ? simulation->nodes[members->learners[0] - 1]
                                                 : NULL;
}

static void full_learner_event(struct event *event) {
    struct faults *faults = event->context;
    struct simulation *simulation = faults->simulation;
    struct sim_node *learner = NULL;
    if (!faults->is_on || simulation->queue.now_us > faults->learner_until_us)
        return;
    for (uint32_t shard = 0; shard <= simulation->shard_count && !learner; shard++)
        learner = learner_of(simulation, shard);
    if (!learner) {
        event_again(&simulation->queue, event, simulation->queue.now_us + LEARNER_POLL_US);
        return;
    }
    faults->learner_until_us = 0;
    full_disk_begin_for(learner,
                        faults_between(faults, LEARNER_FULL_LEAST_US, LEARNER_FULL_MOST_US));
}

void fault_full_learner(struct faults *faults) {
    struct simulation *simulation = faults->simulation;
    bool is_watching = simulation->queue.now_us <= faults->learner_until_us;
    faults->learner_until_us = simulation->queue.now_us + LEARNER_AWAITED_US;
    fault_change_replicas(faults);
    if (!is_watching)
        faults_later(faults, 0, full_learner_event);
}
