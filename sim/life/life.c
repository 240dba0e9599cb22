#include "sim/life/life.h"
#include "base/check.h"
#include "base/memory.h"
#include "cluster/feature.h"
#include "io/process.h"
#include "session/clients.h"
#include "sim/check/checks.h"
#include "sim/check/loss_account.h"
#include "sim/check/risk.h"
#include "sim/check/situations.h"
#include "sim/life/connection.h"
#include "sim/life/full_disk.h"
#include "sim/life/thread.h"
#include "sim/world/blobs.h"
#include <stdio.h>

enum { LIFE_ADMIN_PORT = 9001, LIFE_RESTART_MOST_US = 3000000, LIFE_QUICK_RESTART_MOST_US = 20000 };

static event_run bury_event, start_event;

static unsigned worker_count(const struct sim_node *node) { return node->simulation->worker_count; }

/* ---- what the threads call ---- */

static void node_post(void *context, unsigned receiver, struct mail *mail) {
    sim_thread_post(context, receiver, mail);
}

static void node_client_output(void *context, struct session *session, void *handle) {
    (void)context;
    connection_output(handle, clients_output(session));
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

static void power_went_off(void *context) { sim_node_kill(context, SIM_DEATH_BY_POWER); }

static bool disk_owner_is_ready(void *context, uint64_t *again_us) {
    sim_thread_note_durability(context);
    return sim_thread_is_ready(context, again_us);
}

static void disk_owner_ran(void *context) { sim_thread_touch(context); }

static bool blobs_owner_is_up(void *context) {
    return sim_node_is_alive(((struct sim_thread *)context)->node);
}

static uint64_t blobs_owner_now_us(void *context) {
    return sim_clock_now_us(&((struct sim_thread *)context)->clock);
}

static int node_open_blobs(void *context, const struct config *config, struct blob_store **out,
                           struct blob_problem *problem) {
    struct sim_thread *thread = context;
    (void)config, (void)problem;
    *out = sim_blobs_open(thread->node->simulation->blobs,
                          &(struct sim_blobs_owner){.is_ready = disk_owner_is_ready,
                                                    .is_up = blobs_owner_is_up,
                                                    .now_us = blobs_owner_now_us,
                                                    .ran = disk_owner_ran,
                                                    .node = thread->node->index + 1,
                                                    .context = thread});
    return 0;
}

/* What a real one says would make another trace of each run. */
static void node_process_facts(struct process_facts *out) {
    *out = (struct process_facts){.system = "simulated", .id = 1};
}

/* ---- what a life begins with ---- */

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
               .open_blobs = simulation->blobs ? node_open_blobs : NULL,
               .post = node_post,
               .process_facts = node_process_facts,
               .fatal = node_fatal,
               .context = thread}};
    sim_node_client_address(node->index, &options.client_address);
    sim_net_address(node->index, &options.peer_address);
    sim_net_address(node->index, &options.admin_address);
    options.admin_address.port = LIFE_ADMIN_PORT;
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
        .seal = node->seal,
        .log = &node->log,
        .metrics = node_shared_metrics(node->shared, simulation->worker_count),
        .post = node_post,
        .context = thread};
    sim_net_address(node->index, &options.peer_address);
    snprintf(options.name, sizeof options.name, "node-%u", node->index + 1);
    thread->gossiper = gossiper_new(&options);
    for (unsigned other = 0; other < simulation->founded_count; other++) {
        if (other == node->index)
            continue;
        struct mail *mail = mail_new(MAIL_GOSSIP_SEED, MAIL_TO_GOSSIPER);
        sim_net_address(other, &mail->address);
        gossiper_mail(thread->gossiper, mail);
    }
}

static void node_set(struct sim_node *node, const char *name, unsigned value) {
    char text[12];
    struct buffer problem;
    snprintf(text, sizeof text, "%u", value);
    buffer_init(&problem, 256);
    CHECK(config_set(&node->config, bytes_of_text(name), bytes_of_text(text), CONFIG_SOURCE_FILE,
                     &problem) == 0);
    buffer_release(&problem);
}

static void node_configure(struct sim_node *node) {
    config_release(&node->config);
    config_copy(&node->config, &node->simulation->config);
    node_set(node, "peer-protocol-maximum", node->protocol);
    node_set(node, "feature-level-maximum", node->level);
    if (node->lease_ms)
        node_set(node, "lease-ms", node->lease_ms);
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

/* ---- a death ---- */

/* Frees all that lived in memory. The power is off: jobs under way fail, and nothing gets out. */
static void node_tear_down(struct sim_node *node) {
    CHECK(node->power.is_off);
    for (unsigned i = 0; i < worker_count(node); i++)
        sim_thread_end_backups(&node->threads[i]);
    for (bool is_busy = true; is_busy;) {
        is_busy = false;
        sim_disk_finish_jobs(node->node_disk);
        for (unsigned i = 0; i < worker_count(node); i++)
            sim_disk_finish_jobs(node->threads[i].disk);
        for (unsigned i = 0; i < worker_count(node); i++)
            is_busy |= !sim_disk_is_idle(node->threads[i].disk);
        is_busy |= !sim_disk_is_idle(node->node_disk);
    }
    for (unsigned i = 0; i <= SIM_WORKER_MAXIMUM; i++)
        sim_thread_end_life(&node->threads[i]);
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
    situations_node_died(simulation, node->index);
    risk_node_died(simulation);
    loss_account_node_died(simulation, node->index);
}

static void bury_event(struct event *event) {
    struct sim_node *node = event->context;
    if (event->life != node->life)
        return;
    struct simulation *simulation = node->simulation;
    simulation->statistics.crashes++;
    node_bury(node);
    uint64_t away_us = node->is_restart_quick
                           ? random_between(&simulation->random, 2000, LIFE_QUICK_RESTART_MOST_US)
                           : random_between(&simulation->random, 20000, LIFE_RESTART_MOST_US);
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
    node->power.sync_failure_at_call = node->power.write_failure_at_call = 0;
    node->is_doomed = true;
    node->death = death;
    event_schedule(&simulation->queue, simulation->queue.now_us, bury_event, node)->life =
        node->life;
}

void sim_node_restart_at(struct sim_node *node, uint64_t at_us) {
    event_schedule(&node->simulation->queue, at_us, start_event, node)->life = node->life;
}

static void start_event(struct event *event) {
    struct sim_node *node = event->context;
    if (event->life == node->life && !node->is_up && !node->is_given_up)
        sim_node_start(node);
}

/* ---- a start, and what may keep a node from it ---- */

static void node_disks_each(struct sim_node *node, void (*each)(struct sim_disk *disk)) {
    each(node->node_disk);
    for (unsigned i = 0; i < worker_count(node); i++)
        each(node->threads[i].disk);
}

static bool is_about_space(const struct buffer *problem) {
    static const char space[] = "no space left";
    return problem->length &&
           memmem(buffer_data(problem), problem->length, space, sizeof space - 1) != NULL;
}

/* A node may fail to start because it died meanwhile, because it found the damage that was done to
 * its log, because a write or a sync failed, or because it needs space and there is none. Nothing
 * else is allowed. */
static void node_did_not_start(struct sim_node *node, const struct buffer *problem) {
    struct simulation *simulation = node->simulation;
    trace_line(&simulation->trace, "node %u: did not start: %.*s", node->index + 1,
               BYTES_PRINT(buffer_bytes(problem)));
    if (node->is_doomed)
        return;
    if (check_removal(node, buffer_bytes(problem))) {
        /* Its topology says so. */
    } else if (sim_node_is_rotten(node)) {
        simulation->statistics.refusals++;
        node_disks_each(node, sim_disk_mend);
    } else if (full_disk_is_blamed(node) && is_about_space(problem)) {
        simulation->statistics.refusals++;
    } else if (!node->power.has_failed) {
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
    if (lost_count && !sim_node_is_rotten(node) && !node->has_lost_snapshot)
        simulation_fail(node->simulation,
                        "node %u cannot read a snapshot although nothing damaged its disk",
                        node->index + 1);
    node->has_lost_snapshot = lost_count > 0;
}

/* What was told to be durable is there, and nothing was written over it. */
static void check_log(struct sim_node *node) {
    uint64_t gaps = 0;
    for (unsigned i = 0; i < worker_count(node); i++)
        gaps += metric_value(metrics_cell(node_shared_metrics(node->shared, i),
                                          METRIC_wal_gaps_repaired_total, NULL));
    if (gaps && !sim_node_is_rotten(node))
        simulation_fail(node->simulation,
                        "node %u had to repair its log although nothing damaged its disk",
                        node->index + 1);
}

void sim_node_start(struct sim_node *node) {
    struct simulation *simulation = node->simulation;
    struct buffer problem;
    buffer_init(&problem, 4096);
    if (node->life == 0 ||
        node->death == SIM_DEATH_BY_POWER) { /* a machine that booted counts from anew */
        struct sim_time before = node->time;
        sim_time_init(&node->time, simulation->queue.now_us,
                      random_between(&simulation->random, 1000000, 100000000), before.drift_ppm);
        node->time.wall_offset_ms = before.wall_offset_ms;
        node->time.wall_error_ms = before.wall_error_ms;
    }
    node->life++;
    node->is_up = true;
    node->is_stopping = false;
    node->has_begun_slow = node->power.slow_us > 0;
    node->power.is_off = node->power.has_failed = node->power.has_log_been_told = false;
    simulation->statistics.restarts += node->life > 1;
    situations_node_started(simulation, node->index);
    trace_line(&simulation->trace, "node %u: starts", node->index + 1);
    int status = node_boot(node, &problem);
    if (status) {
        node_did_not_start(node, &problem);
    } else if (!node->is_doomed) {
        check_snapshots(node);
        check_log(node);
        simulation->statistics.repairs += sim_node_is_rotten(node);
        node_disks_each(node, sim_disk_forget_rot);
        for (unsigned i = 0; i <= SIM_WORKER_MAXIMUM; i++)
            if (node->threads[i].worker || node->threads[i].gossiper)
                sim_thread_touch(&node->threads[i]);
    }
    buffer_release(&problem);
}

/* ---- all its lives ---- */

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
    if (simulation->is_sealed)
        node->seal = seal_new(&simulation->cluster_key, 1, "");
    node->is_spare = index >= simulation->founded_count;
    for (unsigned i = 0; i < NODE_UUID_BYTES; i++)
        node->uuid[i] = (uint8_t)random_next(&simulation->random);
    node->power = (struct sim_power){.random = &simulation->random,
                                     .trace = &simulation->trace,
                                     .node = index + 1,
                                     .is_off = true,
                                     .went_off = power_went_off,
                                     .context = node};
    sim_time_init(&node->time, simulation->queue.now_us, 0, 0);
    node->protocol = SIM_PROTOCOL_NEWEST;
    config_init(&node->config);
    node->level = FEATURE_LEVEL_NEWEST;
    if (mix_rolls_protocols(simulation->mix)) {
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
    seal_free(node->seal);
    config_release(&node->config);
    memory_free(node);
}
