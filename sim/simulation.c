#include "sim/simulation.h"
#include "base/check.h"
#include "base/memory.h"
#include "cluster/topology.h"
#include "sim/checks.h"
#include "sim/client.h"
#include "sim/faults.h"
#include "sim/loss.h"
#include "sim/node.h"
#include "sim/risk.h"
#include "wire/request.h"
#include <stdarg.h>
#include <stdio.h>

enum {
    SIM_POLL_US = 50000,
    SIM_SETTLE_US = 1000000, /* between the founding and the first fault */
    SIM_FOUNDING_LIMIT_US = 20000000,
    SIM_PROGRESS_LIMIT_US = 20000000, /* after the faults: every client is answered by then... */
    SIM_HEALED_LEAST_US = 5000000,    /* ...and all go on for so long */
    SIM_LAST_READS_LIMIT_US = 20000000,
    SIM_CONVERGE_LIMIT_US = 20000000,
    SIM_EVENTS_AT_ONE_TIME_MAXIMUM = 200000
};

static const double SIM_ASYNC_CHANCE = 0.2; /* in the mixes that are about something else */

/* ---- the configuration that a seed stands for ---- */

static void setting(struct simulation *simulation, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void setting(struct simulation *simulation, const char *name, const char *format, ...) {
    char value[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    struct buffer problem;
    buffer_init(&problem, 4096);
    int status = config_set(&simulation->config, bytes_of_text(name), bytes_of_text(value),
                            CONFIG_SOURCE_FILE, &problem);
    if (status)
        simulation_fail(simulation, "setting %s: %.*s", name, BYTES_PRINT(buffer_bytes(&problem)));
    buffer_release(&problem);
}

static void simulation_configure(struct simulation *simulation) {
    struct random *random = &simulation->random;
    config_init(&simulation->config);
    setting(simulation, "join", "10.0.0.1:%u", (unsigned)SIM_PEER_PORT);
    setting(simulation, "workers", "%u", simulation->worker_count);
    setting(simulation, "wal-segment-bytes", "65536");
    setting(simulation, "wal-reserve-bytes", "65536");
    if (random_chance(random, 0.5)) { /* or hardly ever in so short a time, as by default */
        setting(simulation, "scrub-pause-ms", "%u", (unsigned)random_between(random, 200, 3000));
        setting(simulation, "scrub-bytes-per-second", "10mb");
    }
    setting(simulation, "write-timeout-ms", "%u", (unsigned)random_between(random, 1000, 5000));
    setting(simulation, "read-mode", "%s", random_chance(random, 0.75) ? "lease" : "quorum");
    if (random_chance(random, 0.8)) /* or after a second, as by default: then few ever are */
        setting(simulation, "quiet-after-ms", "%u", (unsigned)random_between(random, 20, 300));
    if (random_chance(random, 0.8))
        setting(simulation, "snapshot-log-entries", "%u",
                (unsigned)random_between(random, 16, 300));
    if (random_chance(random, 0.6))
        setting(simulation, "log-memory-bytes", "%u",
                (unsigned)random_between(random, 4096, 16384));
    if (simulation->async_share > 0) {
        setting(simulation, "durability", "%s", random_chance(random, 0.5) ? "async" : "sync");
        setting(simulation, "durability-async-ms", "%u", (unsigned)random_between(random, 2, 400));
    }
    /* Shards here are small: so that snapshots are many chunks, and taken over many turns. */
    if (random_chance(random, 0.8)) {
        setting(simulation, "snapshot-chunk-bytes", "%u",
                (unsigned)random_between(random, 1024, 16384));
        setting(simulation, "snapshot-turn-bytes", "256");
    }
    if (random_chance(random, 0.3))
        setting(simulation, "snapshot-transfer-bytes-per-second", "65536");
    if (random_chance(random, 0.2))
        setting(simulation, "uncommitted-bytes", "%u",
                (unsigned)random_between(random, 16384, 65536));
    if (random_chance(random, 0.5))
        setting(simulation, "batch-bytes", "4096");
    if (random_chance(random, 0.3))
        setting(simulation, "append-window-messages", "%u", (unsigned)random_between(random, 1, 8));
    if (random_chance(random, 0.6)) /* or as by default */
        setting(simulation, "append-lazy-ms", "%u", (unsigned)random_below(random, 40));
    if (random_chance(random, 0.4))
        setting(simulation, "append-compress-min-bytes", "%u",
                (unsigned)random_between(random, 1, 2000));
    uint64_t pause_most_ms = faults_like_moves(simulation->faults) ? 1000 : 60000;
    setting(simulation, "leader-move-pause-ms", "%u",
            (unsigned)random_between(random, 0, pause_most_ms));
    if (random_chance(random, 0.5)) /* or as by default, which is longer than most runs */
        setting(simulation, "leader-return-ms", "%u", (unsigned)random_between(random, 0, 10000));
    if (random_chance(random, 0.2))
        setting(simulation, "trace-one-in", "%u", (unsigned)random_between(random, 1, 20));
}

/* ---- founding ---- */

struct founder {
    struct simulation *simulation;
    struct connection connections[SIM_NODE_MAXIMUM];
    struct buffer request;
    unsigned founded_count;
};

static void founder_reply(void *context, unsigned node, const struct response *response) {
    struct founder *founder = context;
    if (response->kind == RESPONSE_ERROR)
        simulation_fail(founder->simulation, "node %u refuses the founding: %.*s", node + 1,
                        BYTES_PRINT(response->text));
    founder->founded_count++;
}

static void founder_lost(void *context, unsigned node, bool was_accepted) {
    struct founder *founder = context;
    (void)was_accepted;
    if (founder->founded_count < founder->simulation->node_count)
        simulation_fail(founder->simulation,
                        "node %u closed the connection that founds the cluster", node + 1);
}

static void founder_make_request(struct founder *founder) {
    struct simulation *simulation = founder->simulation;
    struct topology_node nodes[SIM_NODE_MAXIMUM] = {0};
    uint8_t cluster_id[16];
    for (unsigned i = 0; i < sizeof cluster_id; i++)
        cluster_id[i] = (uint8_t)random_next(&simulation->random);
    for (unsigned i = 0; i < simulation->node_count; i++) {
        struct net_address address;
        memcpy(nodes[i].uuid, simulation->nodes[i]->identity.uuid, sizeof nodes[i].uuid);
        nodes[i].number = i + 1;
        sim_node_client_address(i, &address);
        snprintf(nodes[i].address.host, sizeof nodes[i].address.host, "%s", address.host);
        nodes[i].address.client_port = address.port;
        nodes[i].address.peer_port = SIM_PEER_PORT;
        nodes[i].address.admin_port = (uint16_t)(address.port + 2000);
    }
    struct topology *topology = topology_found(cluster_id, nodes, simulation->node_count,
                                               simulation->shard_count, simulation->replica_count);
    struct buffer encoded;
    buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(topology, &encoded);
    request_encode(&founder->request,
                   (const struct bytes[]){BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("FOUND"),
                                          buffer_bytes(&encoded)},
                   3);
    buffer_release(&encoded);
    topology_free(topology);
}

static struct founder *founder_new(struct simulation *simulation) {
    struct founder *founder = memory_allocate_zeroed(1, sizeof *founder);
    founder->simulation = simulation;
    buffer_init(&founder->request, 2 * TOPOLOGY_BYTES_MAXIMUM);
    founder_make_request(founder);
    struct connection_user user = {
        .reply = founder_reply, .lost = founder_lost, .context = founder};
    for (unsigned node = 0; node < simulation->node_count; node++) {
        connection_init(&founder->connections[node], simulation, node, &user);
        connection_send(&founder->connections[node], buffer_bytes(&founder->request));
    }
    return founder;
}

static void founder_free(struct founder *founder) {
    for (unsigned node = 0; node < founder->simulation->node_count; node++)
        connection_release(&founder->connections[node]);
    buffer_release(&founder->request);
    memory_free(founder);
}

/* ---- the run ---- */

void simulation_fail(struct simulation *simulation, const char *format, ...) {
    if (simulation_has_failed(simulation))
        return;
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buffer_append_format(&simulation->failure, "at %.6f s: %s",
                         (double)simulation->queue.now_us / 1e6, text);
    trace_line(&simulation->trace, "FAILED: %s", text);
}

/* Lets events happen until the time comes or something fails. */
static void run_until(struct simulation *simulation, uint64_t until_us) {
    uint64_t at_us = simulation->queue.now_us;
    unsigned at_one_time = 0;
    while (!simulation_has_failed(simulation) && event_queue_step(&simulation->queue, until_us)) {
        at_one_time = simulation->queue.now_us == at_us ? at_one_time + 1 : 0;
        at_us = simulation->queue.now_us;
        if (at_one_time > SIM_EVENTS_AT_ONE_TIME_MAXIMUM)
            simulation_fail(simulation, "time stands still: events without end at one moment");
    }
    if (simulation->queue.now_us < until_us && !simulation_has_failed(simulation))
        simulation->queue.now_us = until_us;
}

/* Polls `is_reached` until it is true; false when limit_us passed or something failed. */
static bool run_until_reached(struct simulation *simulation, uint64_t limit_us,
                              bool (*is_reached)(struct simulation *simulation, void *context),
                              void *context) {
    uint64_t end_us = simulation->queue.now_us + limit_us;
    while (!simulation_has_failed(simulation) && simulation->queue.now_us < end_us) {
        if (is_reached(simulation, context))
            return true;
        run_until(simulation, simulation->queue.now_us + SIM_POLL_US);
    }
    return !simulation_has_failed(simulation) && is_reached(simulation, context);
}

static bool is_founded(struct simulation *simulation, void *context) {
    const struct founder *founder = context;
    return founder->founded_count == simulation->node_count;
}

static void found_cluster(struct simulation *simulation, struct founder *founder) {
    if (!run_until_reached(simulation, SIM_FOUNDING_LIMIT_US, is_founded, founder))
        simulation_fail(simulation, "the cluster was not founded in time");
    run_until(simulation, simulation->queue.now_us + SIM_SETTLE_US);
}

static bool every_client_progressed(struct simulation *simulation, void *context) {
    const uint64_t *before = context;
    for (unsigned i = 0; i < simulation->client_count; i++)
        if (client_done_count(simulation->clients[i]) <= before[i])
            return false;
    return true;
}

static void work_after_faults(struct simulation *simulation) {
    uint64_t before[SIM_CLIENT_MAXIMUM];
    for (unsigned i = 0; i < simulation->client_count; i++)
        before[i] = client_done_count(simulation->clients[i]);
    if (!run_until_reached(simulation, SIM_PROGRESS_LIMIT_US, every_client_progressed, before))
        simulation_fail(simulation,
                        "no progress: a client got no answer for %u s after the faults ended",
                        SIM_PROGRESS_LIMIT_US / 1000000);
    run_until(simulation, simulation->queue.now_us + SIM_HEALED_LEAST_US);
}

static bool every_client_idle(struct simulation *simulation, void *context) {
    (void)context;
    for (unsigned i = 0; i < simulation->client_count; i++)
        if (!client_is_idle(simulation->clients[i]))
            return false;
    return true;
}

struct done_awaited {
    const struct client *client;
    uint64_t before;
};

static bool is_client_answered(struct simulation *simulation, void *context) {
    const struct done_awaited *awaited = context;
    (void)simulation;
    return client_done_count(awaited->client) > awaited->before;
}

static void read_key(struct simulation *simulation, struct client *client,
                     const struct operation *operation) {
    struct done_awaited awaited = {.client = client, .before = client_done_count(client)};
    client_read_until_answered(client, operation);
    if (!run_until_reached(simulation, SIM_LAST_READS_LIMIT_US, is_client_answered, &awaited))
        simulation_fail(simulation, "no progress: a key could not be read at the end");
}

/* Reads every key once more, so that a lost write shows even where nobody came by. */
static void read_everything(struct simulation *simulation) {
    for (unsigned i = 0; i < simulation->client_count; i++)
        client_stop(simulation->clients[i]);
    run_until_reached(simulation, SIM_LAST_READS_LIMIT_US, every_client_idle, NULL);
    for (uint32_t key = 0;
         key < SIM_KEY_COUNT + SIM_HASH_COUNT && !simulation_has_failed(simulation); key++) {
        bool is_hash = key >= SIM_KEY_COUNT;
        struct operation operation = {.kind = is_hash ? OPERATION_HGETALL : OPERATION_GET,
                                      .key = is_hash ? key - SIM_KEY_COUNT : key};
        read_key(simulation, simulation->clients[key % simulation->client_count], &operation);
    }
}

static bool is_converged(struct simulation *simulation, void *context) {
    struct buffer *problem = context;
    buffer_clear(problem);
    return checks_is_converged(simulation, problem);
}

static void check_everything(struct simulation *simulation) {
    struct buffer problem;
    buffer_init(&problem, SIM_FAILURE_MAXIMUM);
    if (!run_until_reached(simulation, SIM_CONVERGE_LIMIT_US, is_converged, &problem))
        simulation_fail(simulation, "replicas did not become equal after the faults: %.*s",
                        BYTES_PRINT(buffer_bytes(&problem)));
    buffer_clear(&problem);
    if (!simulation_has_failed(simulation) &&
        history_check(&simulation->history, &simulation->verdict, &problem))
        buffer_append_bytes(&simulation->failure, buffer_bytes(&problem));
    buffer_release(&problem);
}

bool simulation_run(struct simulation *simulation) {
    for (unsigned i = 0; i < simulation->node_count; i++)
        sim_node_start(simulation->nodes[i]);
    struct founder *founder = founder_new(simulation);
    found_cluster(simulation, founder);

    simulation->phase = PHASE_FAULTS;
    simulation->faults_end_us =
        simulation->queue.now_us + (uint64_t)(simulation->options.minutes * 60e6);
    for (unsigned i = 0; i < simulation->client_count; i++)
        client_start(simulation->clients[i]);
    faults_start(simulation->faults);
    run_until(simulation, simulation->faults_end_us);

    simulation->phase = PHASE_HEALED;
    trace_line(&simulation->trace, "the faults end");
    faults_heal(simulation->faults);
    work_after_faults(simulation);

    simulation->phase = PHASE_LAST_READS;
    read_everything(simulation);
    check_everything(simulation);
    simulation->phase = PHASE_OVER;
    for (unsigned i = 0; i < simulation->node_count; i++)
        connections_node_died(simulation, i);
    founder_free(founder);
    return !simulation_has_failed(simulation);
}

struct simulation *simulation_new(const struct simulation_options *options) {
    struct simulation *simulation = memory_allocate_zeroed(1, sizeof *simulation);
    simulation->options = *options;
    buffer_init(&simulation->failure, SIM_FAILURE_MAXIMUM);
    event_queue_init(&simulation->queue);
    trace_init(&simulation->trace, &simulation->queue.now_us, options->is_printed);
    struct random *random = &simulation->random;
    random_init(random, options->seed);
    history_init(&simulation->history);

    simulation->node_count = options->node_count          ? options->node_count
                             : random_chance(random, 0.8) ? 3
                                                          : 5;
    simulation->replica_count = simulation->node_count < 3 ? simulation->node_count : 3;
    simulation->worker_count = (unsigned)random_between(random, 1, 2);
    simulation->shard_count = random_chance(random, 0.25) ? (unsigned)random_between(random, 8, 16)
                                                          : (unsigned)random_between(random, 1, 3);
    simulation->client_count = (unsigned)random_between(random, 3, 6);
    simulation->think_most_us = random_between(random, 20000, 200000);
    simulation->patience_most_us = random_between(random, 400000, 4000000);
    simulation->faults = faults_new(simulation);
    if (faults_want_more_nodes(simulation->faults) && !options->node_count)
        simulation->node_count = (unsigned)random_between(random, 4, 6);
    bool is_small = faults_like_small_messages(simulation->faults);
    simulation->ballast_share = is_small ? 0.8 : 0.1;
    if (is_small) { /* and where all write to one log */
        simulation->shard_count = 1;
        simulation->client_count = 6;
    }
    if (faults_want_async(simulation->faults) || random_chance(random, SIM_ASYNC_CHANCE))
        simulation->async_share = 0.1 + 0.9 * random_unit(random);
    if (random_chance(random, 0.6))
        simulation->follower_share = 0.5 * random_unit(random);
    simulation_configure(simulation);
    simulation->risk = risk_new(simulation->shard_count + 1);
    simulation->checks = checks_new(simulation->shard_count + 1);
    struct sim_net_owner owner = sim_node_net_owner(simulation);
    simulation->net =
        sim_net_new(&simulation->queue, random, &simulation->trace, &owner, simulation->node_count);
    for (unsigned i = 0; i < simulation->node_count; i++)
        simulation->nodes[i] = sim_node_new(simulation, i);
    for (unsigned i = 0; i < simulation->client_count; i++)
        simulation->clients[i] = client_new(simulation, i);
    if (faults_lose_nodes(simulation->faults))
        simulation->loss = loss_new(simulation);
    return simulation;
}

void simulation_free(struct simulation *simulation) {
    simulation->connections = NULL;
    for (unsigned i = 0; i < simulation->node_count; i++)
        sim_node_free(simulation->nodes[i]);
    for (unsigned i = 0; i < simulation->client_count; i++)
        client_free(simulation->clients[i]);
    faults_free(simulation->faults);
    sim_net_free(simulation->net);
    loss_free(simulation->loss);
    risk_free(simulation->risk);
    checks_free(simulation->checks);
    history_release(&simulation->history);
    config_release(&simulation->config);
    event_queue_release(&simulation->queue);
    buffer_release(&simulation->failure);
    memory_free(simulation);
}
