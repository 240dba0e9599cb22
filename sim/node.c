#include "sim/node.h"
#include "base/check.h"
#include "base/memory.h"
#include "cluster/feature.h"
#include "replica/peers.h"
#include "session/clients.h"
#include "sim/checks.h"
#include "sim/connection.h"
#include "sim/faults.h"
#include "sim/full_disk.h"
#include "sim/loss.h"
#include "sim/risk.h"
#include "worker/statistics.h"
#include <stdio.h>

enum {
    NODE_CLIENT_PORT = 7001,
    NODE_ADMIN_PORT = 9001,
    NODE_TURN_MOST_US = 20,
    NODE_MAIL_MOST_US = 30,
    NODE_RESTART_MOST_US = 3000000,
    NODE_QUICK_RESTART_MOST_US = 20000
};

static event_run thread_turn_event, thread_tick_event, thread_mail_event, node_bury_event,
    node_start_event;

static unsigned worker_count(const struct sim_node *node) { return node->simulation->worker_count; }

/* ---- what the threads call ---- */

static void node_post(void *context, unsigned receiver, struct mail *mail) {
    struct sim_thread *from = context;
    struct sim_node *node = from->node;
    struct simulation *simulation = node->simulation;
    if (!sim_node_is_alive(node)) {
        mail_free(mail);
        return;
    }
    CHECK(receiver == MAIL_TO_GOSSIPER || receiver < worker_count(node));
    struct sim_thread *to =
        &node->threads[receiver == MAIL_TO_GOSSIPER ? SIM_WORKER_MAXIMUM : receiver];
    mail->next = NULL;
    if (to->last_mail)
        to->last_mail->next = mail;
    else
        to->first_mail = mail;
    to->last_mail = mail;
    uint64_t at_us =
        sim_clock_now_us(&from->clock) + random_between(&simulation->random, 1, NODE_MAIL_MOST_US);
    if (at_us < to->mail_at_us)
        at_us = to->mail_at_us;
    to->mail_at_us = at_us;
    event_schedule(&simulation->queue, at_us, thread_mail_event, to)->life = node->life;
}

static void node_client_output(void *context, struct session *session, void *handle) {
    (void)context;
    connection_output(handle, session_output(session));
}

static void node_client_close(void *context, struct session *session, void *handle) {
    (void)context, (void)session;
    connection_close_by_server(handle);
}

static void node_client_pause(void *context, struct session *session, void *handle,
                              bool is_paused) {
    (void)context, (void)session;
    connection_pause(handle, is_paused);
}

/* Whoever says so was taken out, or given up; and then never comes back. */
static bool check_removal(struct sim_node *node, struct bytes why) {
    static const char removed[] = "this node was removed from its cluster";
    if (why.length == 0 || memmem(why.data, why.length, removed, sizeof removed - 1) == NULL)
        return false;
    if (!node->is_leaving && !node->is_given_up)
        simulation_fail(node->simulation, "node %u believes that it was removed, and was not",
                        node->index + 1);
    node->is_given_up = true;
    return true;
}

static void node_fatal(void *context, const char *what) {
    struct sim_node *node = ((struct sim_thread *)context)->node;
    trace_line(&node->simulation->trace, "node %u: ends itself: %s", node->index + 1, what);
    if (!check_removal(node, bytes_of_text(what)) && full_disk_is_blamed(node))
        simulation_fail(node->simulation, "node %u ends itself over a full disk: %s",
                        node->index + 1, what);
    sim_node_kill(node, SIM_DEATH_OF_PROCESS);
}

static void node_log(void *context, enum log_level level, struct bytes line) {
    struct sim_node *node = context;
    (void)level;
    if (line.length && line.data[line.length - 1] == '\n')
        line.length--;
    trace_line(&node->simulation->trace, "node %u: %.*s", node->index + 1, BYTES_PRINT(line));
}

/* ---- turns ---- */

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
    if (sim_thread_is_ready(thread, &again_us))
        return thread;
    event_again(&thread->node->simulation->queue, event, again_us);
    return NULL;
}

void sim_thread_touch(struct sim_thread *thread) {
    struct simulation *simulation = thread->node->simulation;
    if (thread->is_turn_scheduled || !sim_node_is_alive(thread->node))
        return;
    thread->is_turn_scheduled = true;
    uint64_t at_us =
        sim_clock_now_us(&thread->clock) + random_below(&simulation->random, NODE_TURN_MOST_US);
    event_schedule(&simulation->queue, at_us, thread_turn_event, thread)->life = thread->node->life;
}

static uint64_t thread_deadline_us(const struct sim_thread *thread) {
    uint64_t local_us = thread->worker ? worker_deadline_us(thread->worker)
                                       : gossiper_deadline_us(thread->gossiper);
    return sim_time_world_us(&thread->node->time, local_us);
}

static void thread_set_timer(struct sim_thread *thread) {
    struct event_queue *queue = &thread->node->simulation->queue;
    uint64_t at_us = thread_deadline_us(thread);
    if (at_us <= queue->now_us)
        at_us = queue->now_us + 1;
    if (thread->timer_at_us > queue->now_us && thread->timer_at_us <= at_us)
        return;
    thread->timer_at_us = at_us;
    event_schedule(queue, at_us, thread_tick_event, thread)->life = thread->node->life;
}

static void thread_turn_event(struct event *event) {
    struct sim_thread *thread = thread_of_event(event);
    if (thread == NULL)
        return;
    thread->is_turn_scheduled = false;
    if (thread->worker) {
        worker_turn_end(thread->worker);
        if (!sim_node_is_alive(thread->node))
            return;
        loss_after_turn(thread->node->simulation->loss, thread);
        checks_after_turn(thread->node->simulation, thread);
    }
    thread_set_timer(thread);
}

static void thread_tick_event(struct event *event) {
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

static void thread_mail_event(struct event *event) {
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

static bool disk_owner_is_ready(void *context, uint64_t *again_us) {
    return sim_thread_is_ready(context, again_us);
}
static void disk_owner_ran(void *context) { sim_thread_touch(context); }

/* ---- life and death ---- */

static void power_went_off(void *context) { sim_node_kill(context, SIM_DEATH_BY_POWER); }

void sim_node_client_address(unsigned index, struct net_address *address) {
    sim_net_address(index, address);
    address->port = NODE_CLIENT_PORT;
}

static struct worker_options worker_options_of(struct sim_thread *thread) {
    struct sim_node *node = thread->node;
    struct simulation *simulation = node->simulation;
    struct worker_options options = {
        .index = thread->index,
        .count = simulation->worker_count,
        .identity = node->identity,
        .config = &node->config,
        .seed = random_next(&simulation->random),
        .shared = node->shared,
        .io = {.clock = &thread->clock.clock,
               .disk = sim_disk_door(thread->disk),
               .node_disk = sim_disk_door(node->node_disk),
               .net = sim_net_door(simulation->net, node->index, thread->index),
               .log = &node->log,
               .client_output = node_client_output,
               .client_close = node_client_close,
               .client_pause = node_client_pause,
               .post = node_post,
               .fatal = node_fatal,
               .context = thread}};
    sim_node_client_address(node->index, &options.client_address);
    sim_net_address(node->index, &options.peer_address);
    sim_net_address(node->index, &options.admin_address);
    options.admin_address.port = NODE_ADMIN_PORT;
    return options;
}

static void node_start_gossiper(struct sim_node *node) {
    struct simulation *simulation = node->simulation;
    struct sim_thread *thread = &node->threads[SIM_WORKER_MAXIMUM];
    struct gossiper_options options = {
        .identity = node->identity,
        .config = &simulation->config,
        .seed = random_next(&simulation->random),
        .worker_count = simulation->worker_count,
        .clock = &thread->clock.clock,
        .net = sim_net_door(simulation->net, node->index, SIM_WORKER_MAXIMUM),
        .log = &node->log,
        .metrics = node_shared_metrics(node->shared, simulation->worker_count),
        .post = node_post,
        .context = thread};
    sim_net_address(node->index, &options.peer_address);
    snprintf(options.name, sizeof options.name, "node-%u", node->index + 1);
    thread->gossiper = gossiper_new(&options);
    for (unsigned other = 0; other < simulation->node_count; other++) {
        if (other == node->index)
            continue;
        struct mail *mail = mail_new(MAIL_GOSSIP_SEED, MAIL_TO_GOSSIPER);
        sim_net_address(other, &mail->address);
        gossiper_mail(thread->gossiper, mail);
    }
}

static void node_configure(struct sim_node *node) {
    char version[8];
    snprintf(version, sizeof version, "%u", node->protocol);
    config_release(&node->config);
    config_copy(&node->config, &node->simulation->config);
    struct buffer problem;
    buffer_init(&problem, 256);
    CHECK(config_set(&node->config, BYTES_LITERAL("peer-protocol-maximum"), bytes_of_text(version),
                     CONFIG_SOURCE_FILE, &problem) == 0);
    snprintf(version, sizeof version, "%u", node->level);
    CHECK(config_set(&node->config, BYTES_LITERAL("feature-level-maximum"), bytes_of_text(version),
                     CONFIG_SOURCE_FILE, &problem) == 0);
    buffer_release(&problem);
}

static int node_boot(struct sim_node *node, struct buffer *problem) {
    node_configure(node);
    struct disk *node_disk = sim_disk_door(node->node_disk);
    int status = identity_open(node_disk, node->uuid, worker_count(node), &node->identity, problem);
    if (status)
        return status;
    node->shared = node_shared_new(worker_count(node));
    for (unsigned i = worker_count(node); i-- > 0;) { /* worker 0 last, as in the server */
        struct worker_options options = worker_options_of(&node->threads[i]);
        status = worker_new(&options, &node->threads[i].worker, problem);
        if (status) {
            node->threads[i].worker = NULL;
            return status;
        }
    }
    node_start_gossiper(node);
    return 0;
}

/* Frees all that lived in memory. The power is off: jobs under way fail, and nothing gets out. */
static void node_tear_down(struct sim_node *node) {
    CHECK(node->power.is_off);
    for (bool is_busy = true; is_busy;) {
        is_busy = false;
        sim_disk_finish_jobs(node->node_disk);
        for (unsigned i = 0; i < worker_count(node); i++)
            sim_disk_finish_jobs(node->threads[i].disk);
        for (unsigned i = 0; i < worker_count(node); i++)
            is_busy |= !sim_disk_is_idle(node->threads[i].disk);
        is_busy |= !sim_disk_is_idle(node->node_disk);
    }
    for (unsigned i = 0; i <= SIM_WORKER_MAXIMUM; i++) {
        struct sim_thread *thread = &node->threads[i];
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
        thread->is_turn_scheduled = false;
        thread->mail_at_us = thread->timer_at_us = 0;
        sim_clock_init(&thread->clock, &node->simulation->queue, &node->time);
    }
    node_shared_free(node->shared);
    node->shared = NULL;
}

static void node_bury(struct sim_node *node) {
    struct simulation *simulation = node->simulation;
    node->is_doomed = false;
    node->is_up = false;
    node->life++;
    connections_node_died(simulation, node->index);
    sim_net_node_died(simulation->net, node->index);
    node_tear_down(node);
    sim_disk_end_life(node->node_disk, node->death);
    for (unsigned i = 0; i < worker_count(node); i++)
        sim_disk_end_life(node->threads[i].disk, node->death);
    checks_node_died(simulation, node->index);
    risk_node_died(simulation);
    loss_node_died(simulation->loss, node->index);
}

static void node_bury_event(struct event *event) {
    struct sim_node *node = event->context;
    if (event->life != node->life)
        return;
    struct simulation *simulation = node->simulation;
    simulation->statistics.crashes++;
    node_bury(node);
    uint64_t away_us = node->is_restart_quick
                           ? random_between(&simulation->random, 2000, NODE_QUICK_RESTART_MOST_US)
                           : random_between(&simulation->random, 20000, NODE_RESTART_MOST_US);
    uint64_t at_us = simulation->queue.now_us + away_us;
    node->is_restart_quick = false;
    if (!node->is_given_up)
        sim_node_restart_at(node, at_us > node->down_until_us ? at_us : node->down_until_us);
}

void sim_node_kill(struct sim_node *node, enum sim_death death) {
    if (!node->is_up || node->is_doomed)
        return;
    struct simulation *simulation = node->simulation;
    trace_line(&simulation->trace, "node %u: dies (%s)", node->index + 1,
               death == SIM_DEATH_BY_POWER ? "power" : "process");
    node->power.is_off = true;
    node->power.off_at_call = node->power.off_calls_after_remove = 0;
    node->power.sync_failure_at_call = 0;
    node->is_doomed = true;
    node->death = death;
    event_schedule(&simulation->queue, simulation->queue.now_us, node_bury_event, node)->life =
        node->life;
}

void sim_node_restart_at(struct sim_node *node, uint64_t at_us) {
    event_schedule(&node->simulation->queue, at_us, node_start_event, node)->life = node->life;
}

static void node_start_event(struct event *event) {
    struct sim_node *node = event->context;
    if (event->life == node->life && !node->is_up && !node->is_given_up)
        sim_node_start(node);
}

static void node_disks_each(struct sim_node *node, void (*each)(struct sim_disk *disk)) {
    each(node->node_disk);
    for (unsigned i = 0; i < worker_count(node); i++)
        each(node->threads[i].disk);
}

static bool node_is_rotten(const struct sim_node *node) {
    for (unsigned i = 0; i < worker_count(node); i++)
        if (sim_disk_is_rotten(node->threads[i].disk))
            return true;
    return false;
}

static bool is_about_space(const struct buffer *problem) {
    static const char space[] = "no space left";
    return problem->length &&
           memmem(buffer_data(problem), problem->length, space, sizeof space - 1) != NULL;
}

/* A node may fail to start because it died meanwhile, because it found the damage that was done to
 * its log, or because it needs space and there is none. Nothing else is allowed. */
static void node_did_not_start(struct sim_node *node, const struct buffer *problem,
                               bool has_sync_failed) {
    struct simulation *simulation = node->simulation;
    trace_line(&simulation->trace, "node %u: did not start: %.*s", node->index + 1,
               BYTES_PRINT(buffer_bytes(problem)));
    if (node->is_doomed)
        return;
    if (check_removal(node, buffer_bytes(problem))) {
        /* Its topology says so. */
    } else if (node_is_rotten(node)) {
        simulation->statistics.refusals++;
        node_disks_each(node, sim_disk_mend);
    } else if (full_disk_is_blamed(node) && is_about_space(problem)) {
        simulation->statistics.refusals++;
    } else if (!has_sync_failed) {
        simulation_fail(simulation,
                        "node %u refuses to start although nothing damaged its disk: %.*s",
                        node->index + 1, BYTES_PRINT(buffer_bytes(problem)));
    }
    sim_node_kill(node, SIM_DEATH_OF_PROCESS);
}

/* A replica whose snapshot cannot be read gets its data from its peers; but where nothing rotted,
 * every snapshot that a log names must be there, whole. Rot is forgotten once a start has told of
 * it; a node that dies before its peers' data has taken the place tells of it again. */
static void check_snapshots(struct sim_node *node) {
    uint64_t lost_count = 0;
    for (unsigned i = 0; i < worker_count(node); i++)
        lost_count += metric_value(
            metrics_cell(node_shared_metrics(node->shared, i), METRIC_snapshots_lost_total, NULL));
    if (lost_count && !node_is_rotten(node) && !node->has_lost_snapshot)
        simulation_fail(node->simulation,
                        "node %u cannot read a snapshot although nothing damaged its disk",
                        node->index + 1);
    node->has_lost_snapshot = lost_count > 0;
}

void sim_node_start(struct sim_node *node) {
    struct simulation *simulation = node->simulation;
    struct buffer problem;
    buffer_init(&problem, 4096);
    if (node->life == 0 ||
        node->death == SIM_DEATH_BY_POWER) { /* a machine that booted counts from anew */
        uint64_t wall_offset_ms = node->time.wall_offset_ms;
        sim_time_init(&node->time, simulation->queue.now_us,
                      random_between(&simulation->random, 1000000, 100000000),
                      node->time.drift_ppm);
        node->time.wall_offset_ms = wall_offset_ms ? wall_offset_ms : node->time.wall_offset_ms;
    }
    node->life++;
    node->is_up = true;
    node->power.is_off = node->power.has_sync_failed = false;
    simulation->statistics.restarts += node->life > 1;
    trace_line(&simulation->trace, "node %u: starts", node->index + 1);
    bool is_sync_failure_set = node->power.sync_failure_at_call != 0;
    int status = node_boot(node, &problem);
    if (status) {
        node_did_not_start(node, &problem,
                           is_sync_failure_set && node->power.sync_failure_at_call == 0);
    } else if (!node->is_doomed) {
        check_snapshots(node);
        simulation->statistics.repairs += node_is_rotten(node);
        node_disks_each(node, sim_disk_forget_rot);
        for (unsigned i = 0; i <= SIM_WORKER_MAXIMUM; i++)
            if (node->threads[i].worker || node->threads[i].gossiper)
                sim_thread_touch(&node->threads[i]);
    }
    buffer_release(&problem);
}

void sim_node_pause(struct sim_node *node, uint64_t pause_us) {
    for (unsigned i = 0; i <= SIM_WORKER_MAXIMUM; i++)
        sim_clock_hold(&node->threads[i].clock, pause_us);
}

struct sim_thread *sim_node_worker_by_lot(struct sim_node *node) {
    return &node->threads[random_below(&node->simulation->random, worker_count(node))];
}

static struct sim_disk *node_new_disk(struct sim_node *node, struct sim_thread *owner) {
    return sim_disk_new(&(struct sim_disk_options){.power = &node->power,
                                                   .queue = &node->simulation->queue,
                                                   .is_owner_ready = disk_owner_is_ready,
                                                   .owner_ran = disk_owner_ran,
                                                   .context = owner});
}

struct sim_node *sim_node_new(struct simulation *simulation, unsigned index) {
    struct sim_node *node = memory_allocate_zeroed(1, sizeof *node);
    node->simulation = simulation;
    node->index = index;
    for (unsigned i = 0; i < NODE_UUID_BYTES; i++)
        node->uuid[i] = (uint8_t)random_next(&simulation->random);
    node->power = (struct sim_power){.random = &simulation->random,
                                     .trace = &simulation->trace,
                                     .node = index + 1,
                                     .is_off = true,
                                     .went_off = power_went_off,
                                     .context = node};
    node->protocol = SIM_PROTOCOL_NEWEST;
    config_init(&node->config);
    node->level = FEATURE_LEVEL_NEWEST;
    if (faults_roll_protocols(simulation->faults)) {
        node->protocol = (unsigned)random_between(&simulation->random, 1, SIM_PROTOCOL_NEWEST);
        node->level = (unsigned)random_between(&simulation->random, 0, FEATURE_LEVEL_NEWEST);
    }
    node->log = (struct log){.level = LOG_INFO, .sink = node_log, .context = node};
    node->node_disk = node_new_disk(node, &node->threads[0]);
    for (unsigned i = 0; i <= SIM_WORKER_MAXIMUM; i++) {
        struct sim_thread *thread = &node->threads[i];
        thread->node = node;
        thread->index = i;
        sim_clock_init(&thread->clock, &simulation->queue, &node->time);
        if (i < simulation->worker_count)
            thread->disk = node_new_disk(node, thread);
    }
    return node;
}

void sim_node_free(struct sim_node *node) {
    if (node->is_up) {
        node->power.is_off = true;
        node->death = SIM_DEATH_OF_PROCESS;
        node_bury(node);
    }
    node_disks_each(node, sim_disk_free);
    config_release(&node->config);
    memory_free(node);
}

/* ---- what the network asks of the nodes ---- */

static struct sim_thread *thread_at(void *context, unsigned node, unsigned thread) {
    struct simulation *simulation = context;
    return &simulation->nodes[node]->threads[thread];
}

static bool net_is_ready(void *context, unsigned node, unsigned thread, uint64_t *again_us) {
    struct sim_thread *at = thread_at(context, node, thread);
    return !sim_node_is_alive(at->node) || sim_thread_is_ready(at, again_us);
}

static uint64_t net_now_us(void *context, unsigned node, unsigned thread) {
    return sim_clock_now_us(&thread_at(context, node, thread)->clock);
}

static bool net_is_up(void *context, unsigned node) {
    return sim_node_is_alive(((struct simulation *)context)->nodes[node]);
}

static unsigned net_accept(void *context, unsigned node) {
    return sim_node_worker_by_lot(((struct simulation *)context)->nodes[node])->index;
}

static bool net_message(void *context, unsigned node, unsigned thread, struct bytes message) {
    struct sim_thread *at = thread_at(context, node, thread);
    if (at->worker == NULL)
        return false;
    int status = peers_take(at->worker, message);
    sim_thread_touch(at);
    return status == 0;
}

static void net_lost(void *context, unsigned node, unsigned thread, uint32_t peer_number) {
    struct sim_thread *at = thread_at(context, node, thread);
    if (!sim_node_is_alive(at->node) || at->worker == NULL)
        return;
    peers_lost(at->worker, peer_number);
    sim_thread_touch(at);
}

static void net_datagram(void *context, unsigned node, const struct net_address *from,
                         struct bytes datagram) {
    struct sim_thread *at = thread_at(context, node, SIM_WORKER_MAXIMUM);
    if (at->gossiper == NULL)
        return;
    gossiper_datagram(at->gossiper, from, datagram);
    sim_thread_touch(at);
}

struct sim_net_owner sim_node_net_owner(struct simulation *simulation) {
    return (struct sim_net_owner){.is_ready = net_is_ready,
                                  .now_us = net_now_us,
                                  .is_up = net_is_up,
                                  .accept = net_accept,
                                  .message = net_message,
                                  .lost = net_lost,
                                  .datagram = net_datagram,
                                  .context = simulation};
}
