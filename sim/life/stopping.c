#include "sim/life/stopping.h"
#include "sim/life/life.h"
#include "sim/life/thread.h"

enum {
    STOPPING_DRAIN_US = 10 * 1000 * 1000,
    STOPPING_LEAVE_US = 100 * 1000,
    STOPPING_LOOK_AGAIN_US = 5000
};

static event_run drain_event, leave_event, end_event;

static void stopping_schedule(struct sim_node *node, uint64_t after_us, event_run *run,
                              uint64_t number) {
    struct event_queue *queue = &node->simulation->queue;
    struct event *event = event_schedule(queue, queue->now_us + after_us, run, node);
    event->life = node->life;
    event->number = number;
}

static bool is_same_life(const struct event *event) {
    const struct sim_node *node = event->context;
    return event->life == node->life && sim_node_is_alive(node);
}

void stopping_begin(struct sim_node *node) {
    struct simulation *simulation = node->simulation;
    if (!sim_node_is_alive(node) || node->is_stopping)
        return;
    trace_line(&simulation->trace, "node %u: is to stop", node->index + 1);
    simulation->statistics.stops_begun++;
    node->is_stopping = true;
    node->stop_until_us = simulation->queue.now_us + STOPPING_DRAIN_US;
    for (unsigned i = 0; i < simulation->worker_count; i++)
        stopping_schedule(node, 0, drain_event, i);
    stopping_schedule(node, STOPPING_LOOK_AGAIN_US, leave_event, 0);
}

/* Each thread hears of it when it can. */
static void drain_event(struct event *event) {
    struct sim_node *node = event->context;
    struct sim_thread *thread = &node->threads[event->number];
    uint64_t again_us;
    if (!is_same_life(event))
        return;
    if (!sim_thread_is_ready(thread, &again_us)) {
        event_again(&node->simulation->queue, event, again_us);
        return;
    }
    sim_thread_note_durability(thread);
    thread->is_draining = true;
    worker_drain(thread->worker);
    sim_thread_touch(thread);
}

static bool has_drained(const struct sim_node *node) {
    for (unsigned i = 0; i < node->simulation->worker_count; i++)
        if (!node->threads[i].is_draining || !worker_is_drained(node->threads[i].worker))
            return false;
    return true;
}

static void leave_event(struct event *event) {
    struct sim_node *node = event->context;
    struct simulation *simulation = node->simulation;
    if (!is_same_life(event))
        return;
    bool is_drained = has_drained(node);
    if (!is_drained && simulation->queue.now_us < node->stop_until_us) {
        event_again(&simulation->queue, event, simulation->queue.now_us + STOPPING_LOOK_AGAIN_US);
        return;
    }
    simulation->statistics.stops_drained += is_drained;
    sim_thread_post(&node->threads[0], MAIL_TO_GOSSIPER, mail_new(MAIL_GOSSIP_LEAVE, 0));
    stopping_schedule(node, STOPPING_LEAVE_US, end_event, 0);
}

static void end_event(struct event *event) {
    if (is_same_life(event))
        sim_node_kill(event->context, SIM_DEATH_OF_PROCESS);
}
