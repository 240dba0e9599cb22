#include "sim/life/thread.h"
#include "base/check.h"
#include "replica/shards/backups.h"
#include "sim/check/checks.h"
#include "sim/check/loss_account.h"
#include "sim/check/past.h"
#include "sim/check/situations.h"
#include "sim/world/blobs.h"

enum { THREAD_TURN_MOST_US = 20, THREAD_MAIL_MOST_US = 30 };

static event_run turn_event, tick_event, mail_event;

bool sim_thread_is_ready(const struct sim_thread *thread, uint64_t *again_us) {
    *again_us = thread->clock.busy_until_us;
    return thread->clock.busy_until_us <= thread->clock.queue->now_us;
}

/* May this event reach its thread? Not if it was for an earlier life; later, if the thread is held
 * up. */
static struct sim_thread *thread_of_event(struct event *event) {
    struct sim_thread *thread = event->context;
    uint64_t again_us;
    if (event->life != thread->node->life || !sim_node_is_alive(thread->node))
        return NULL;
    sim_thread_note_durability(thread);
    if (sim_thread_is_ready(thread, &again_us))
        return thread;
    event_again(&thread->node->simulation->queue, event, again_us);
    return NULL;
}

/* ---- what it answers by ---- */

void sim_thread_note_durability(struct sim_thread *thread) {
    if (thread->worker && worker_config(thread->worker)->durability == DURABILITY_ASYNC)
        thread->node->async_at_us = thread->clock.queue->now_us;
}

bool sim_node_was_async(struct sim_node *node, uint64_t since_us) {
    for (unsigned i = 0; i < node->simulation->worker_count; i++)
        sim_thread_note_durability(&node->threads[i]);
    return node->async_at_us >= since_us;
}

/* ---- turns ---- */

void sim_thread_touch(struct sim_thread *thread) {
    struct simulation *simulation = thread->node->simulation;
    if (thread->is_turn_scheduled || !sim_node_is_alive(thread->node))
        return;
    thread->is_turn_scheduled = true;
    uint64_t at_us =
        sim_clock_now_us(&thread->clock) + random_below(&simulation->random, THREAD_TURN_MOST_US);
    event_schedule(&simulation->queue, at_us, turn_event, thread)->life = thread->node->life;
}

static uint64_t deadline_us(const struct sim_thread *thread) {
    uint64_t local_us = thread->worker ? worker_deadline_us(thread->worker)
                                       : gossiper_deadline_us(thread->gossiper);
    return sim_time_world_us(&thread->node->time, local_us);
}

static void set_timer(struct sim_thread *thread) {
    struct event_queue *queue = &thread->node->simulation->queue;
    uint64_t at_us = deadline_us(thread);
    if (at_us <= queue->now_us)
        at_us = queue->now_us + 1;
    if (thread->timer_at_us > queue->now_us && thread->timer_at_us <= at_us)
        return;
    thread->timer_at_us = at_us;
    event_schedule(queue, at_us, tick_event, thread)->life = thread->node->life;
}

/* What follows a write or a sync of the log that failed may be lost, whatever the disk says of it
 * later. */
static void check_log(const struct sim_node *node) {
    if (node->power.has_log_been_told)
        simulation_fail(node->simulation, "node %u goes on with a log that its disk did not take",
                        node->index + 1);
}

static void turn_event(struct event *event) {
    struct sim_thread *thread = thread_of_event(event);
    if (thread == NULL)
        return;
    thread->is_turn_scheduled = false;
    if (thread->worker) {
        worker_turn_end(thread->worker);
        if (!sim_node_is_alive(thread->node))
            return;
        check_log(thread->node);
        loss_account_after_turn(thread->node->simulation, thread);
        checks_after_turn(thread->node->simulation, thread);
        past_after_turn(thread->node->simulation, thread);
        situations_after_turn(thread->node->simulation, thread);
    }
    set_timer(thread);
}

static void tick_event(struct event *event) {
    struct sim_thread *thread = thread_of_event(event);
    if (thread == NULL)
        return;
    thread->timer_at_us = 0;
    if (thread->worker)
        worker_tick(thread->worker);
    else
        gossiper_tick(thread->gossiper);
    sim_thread_touch(thread);
}

/* ---- mail ---- */

void sim_thread_post(struct sim_thread *from, unsigned receiver, struct mail *mail) {
    struct sim_node *node = from->node;
    struct simulation *simulation = node->simulation;
    if (!sim_node_is_alive(node)) {
        mail_free(mail);
        return;
    }
    CHECK(receiver == MAIL_TO_GOSSIPER || receiver < simulation->worker_count);
    struct sim_thread *to =
        &node->threads[receiver == MAIL_TO_GOSSIPER ? SIM_WORKER_MAXIMUM : receiver];
    mail->next = NULL;
    if (to->last_mail)
        to->last_mail->next = mail;
    else
        to->first_mail = mail;
    to->last_mail = mail;
    uint64_t at_us = sim_clock_now_us(&from->clock) +
                     random_between(&simulation->random, 1, THREAD_MAIL_MOST_US);
    if (at_us < to->mail_at_us)
        at_us = to->mail_at_us;
    to->mail_at_us = at_us;
    event_schedule(&simulation->queue, at_us, mail_event, to)->life = node->life;
}

static void mail_event(struct event *event) {
    struct sim_thread *thread = thread_of_event(event);
    if (thread == NULL)
        return;
    struct mail *mail = thread->first_mail;
    CHECK(mail != NULL);
    thread->first_mail = mail->next;
    if (thread->first_mail == NULL)
        thread->last_mail = NULL;
    mail->next = NULL;
    trace_event(&thread->node->simulation->trace, "mail", thread->node->index, mail->kind,
                buffer_bytes(&mail->bytes));
    if (thread->worker)
        worker_mail(thread->worker, mail);
    else
        gossiper_mail(thread->gossiper, mail);
    sim_thread_touch(thread);
}

void sim_thread_end_backups(struct sim_thread *thread) {
    struct sim_blobs *blobs = thread->node->simulation->blobs;
    if (blobs == NULL)
        return;
    if (thread->worker)
        backups_stop(thread->worker);
    sim_blobs_end_life(blobs, thread);
}

void sim_thread_end_life(struct sim_thread *thread) {
    worker_free(thread->worker);
    if (thread->gossiper)
        gossiper_free(thread->gossiper);
    for (struct mail *mail = thread->first_mail, *next; mail; mail = next) {
        next = mail->next;
        mail_free(mail);
    }
    thread->worker = NULL;
    thread->gossiper = NULL;
    thread->first_mail = thread->last_mail = NULL;
    thread->is_turn_scheduled = thread->is_draining = false;
    thread->mail_at_us = thread->timer_at_us = 0;
    sim_clock_init(&thread->clock, &thread->node->simulation->queue, &thread->node->time);
}
