/* In the middle of a change of voters. */
#include "shard/shard.h"
#include "sim/check/checks.h"
#include "sim/fault/fault.h"
#include "sim/fault/fault_network.h"
#include "sim/life/life.h"
#include "sim/operator/loss.h"

enum {
    CHANGE_POLL_US = 100, /* no message takes less */
    CHANGE_AWAITED_US = 4000000
};

static raft_node_number successor_of_leaving(const struct simulation *simulation, uint32_t shard) {
    const struct raft_configuration *members = checks_change(simulation, shard);
    unsigned leader = checks_leader(simulation, shard);
    if (!members || raft_configuration_keeps_voter(members, leader + 1))
        return 0;
    return raft_successor_chosen(shard_raft(sim_node_replica(simulation->nodes[leader], shard)));
}

/* A leader that is to go has chosen who takes the lead, and that one does not hear it: it has to
 * lead on, without a vote in the end, until its own removal is committed. */
static void leaving_event(struct event *event) {
    struct faults *faults = event->context;
    struct simulation *simulation = faults->simulation;
    if (!faults->is_on || simulation->queue.now_us > faults->leaving_until_us)
        return;
    for (uint32_t shard = 0; shard <= simulation->shard_count; shard++) {
        raft_node_number successor = successor_of_leaving(simulation, shard);
        if (successor == 0)
            continue;
        unsigned leader = checks_leader(simulation, shard);
        faults->leaving_until_us = 0;
        faults_partition_begins(faults);
        trace_line(&simulation->trace,
                   "fault: node %u does not hear that node %u gives it shard %u", successor,
                   leader + 1, shard);
        sim_net_block(simulation->net, leader, successor - 1);
        return;
    }
    event_again(&simulation->queue, event, simulation->queue.now_us + CHANGE_POLL_US);
}

void fault_leaving_leader(struct faults *faults) {
    struct simulation *simulation = faults->simulation;
    bool is_watching = simulation->queue.now_us <= faults->leaving_until_us;
    faults->leaving_until_us = simulation->queue.now_us + CHANGE_AWAITED_US;
    fault_change_replicas(faults);
    if (!is_watching)
        faults_later(faults, 0, leaving_event);
}

/* A leader begins a change, and dies or is cut off before anybody else has heard of it, or a moment
 * later: what only some have is taken back, or ended by another. */
static void broken_change_event(struct event *event) {
    struct faults *faults = event->context;
    struct simulation *simulation = faults->simulation;
    if (!faults->is_on || simulation->queue.now_us > faults->changing_until_us)
        return;
    for (uint32_t shard = 0; shard <= simulation->shard_count; shard++) {
        if (!checks_change(simulation, shard))
            continue;
        unsigned leader = checks_leader(simulation, shard);
        faults->changing_until_us = 0;
        trace_line(&simulation->trace, "fault: node %u changes the voters of shard %u", leader + 1,
                   shard);
        if (random_chance(faults_random(faults), 0.5))
            faults_isolate(faults, leader, true, true);
        else
            sim_node_kill(simulation->nodes[leader], SIM_DEATH_OF_PROCESS);
        return;
    }
    event_again(&simulation->queue, event, simulation->queue.now_us + CHANGE_POLL_US);
}

void fault_broken_change(struct faults *faults) {
    struct simulation *simulation = faults->simulation;
    bool is_watching = simulation->queue.now_us <= faults->changing_until_us;
    faults->changing_until_us = simulation->queue.now_us + CHANGE_AWAITED_US;
    fault_change_replicas(faults);
    if (!is_watching)
        faults_later(faults, 0, broken_change_event);
}

/* Voters change, and so many nodes are lost for good that the shard has no majority any more, of
 * the old ones or the new: what they had agreed on may be in no log that is left. */
static void lost_change_event(struct event *event) {
    struct faults *faults = event->context;
    struct simulation *simulation = faults->simulation;
    if (!faults->is_on || simulation->queue.now_us > faults->losing_until_us)
        return;
    bool is_changing = false;
    for (uint32_t shard = 0; shard <= simulation->shard_count; shard++)
        is_changing |= checks_change(simulation, shard) != NULL;
    if (is_changing && loss_begin_in_change(simulation->loss))
        faults->losing_until_us = 0;
    else
        event_again(&simulation->queue, event, simulation->queue.now_us + CHANGE_POLL_US);
}

void fault_lost_change(struct faults *faults) {
    struct simulation *simulation = faults->simulation;
    bool is_watching = simulation->queue.now_us <= faults->losing_until_us;
    faults->losing_until_us = simulation->queue.now_us + CHANGE_AWAITED_US;
    fault_change_replicas(faults);
    if (!is_watching)
        faults_later(faults, 0, lost_change_event);
}
