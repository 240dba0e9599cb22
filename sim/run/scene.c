#include "sim/run/scene.h"
#include "base/memory.h"
#include "sim/backup/archivist.h"
#include "sim/check/checks.h"
#include "sim/check/loss_account.h"
#include "sim/check/past.h"
#include "sim/check/risk.h"
#include "sim/fault/faults.h"
#include "sim/life/delivery.h"
#include "sim/life/life.h"
#include "sim/operator/loss.h"
#include "sim/workload/client.h"
#include "sim/world/blobs.h"
#include <stdarg.h>
#include <stdio.h>

static const double SIM_ASYNC_CHANCE = 0.2; /* in the mixes that are about something else */
enum { SIM_SPARES_MOST = 2 };
/* A FLUSHALL of unknown outcome explains every key that is lost later; so most runs have none. */
static const double SIM_FLUSH_CHANCE = 0.3, SIM_FLUSH_SHARE_MOST = 0.01;
static const double SIM_BACKUP_CHANCE = 0.15; /* in the mixes that are about something else */
static const double SIM_SLOW_READER_CHANCE = 0.4, SIM_SLOW_SHARE_MOST = 0.015;

/* ---- settings ---- */

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
    if (random_chance(random, 0.7)) /* or as by default, which is soon over */
        setting(simulation, "lease-ms", "%u", (unsigned)random_between(random, 120, 400));
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
    if (simulation->slow_share > 0 && random_chance(random, 0.7))
        setting(simulation, "client-output-limit", "65536");
    if (random_chance(random, 0.2))
        setting(simulation, "client-pipeline-limit", "%u",
                (unsigned)random_between(random, 16, 32));
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
    uint64_t pause_most_ms = mix_likes_moves(simulation->mix) ? 1000 : 60000;
    setting(simulation, "leader-move-pause-ms", "%u",
            (unsigned)random_between(random, 0, pause_most_ms));
    if (random_chance(random, 0.5)) /* or as by default, which is longer than most runs */
        setting(simulation, "leader-return-ms", "%u", (unsigned)random_between(random, 0, 10000));
    if (random_chance(random, 0.2))
        setting(simulation, "trace-one-in", "%u", (unsigned)random_between(random, 1, 20));
}

/* Little is kept only where clocks go right: what is old is told by them. */
static void configure_backups(struct simulation *simulation) {
    struct random *random = &simulation->random;
    setting(simulation, "backup-to", "/backups");
    setting(simulation, "backup-log-interval-ms", "%u", (unsigned)random_between(random, 20, 3000));
    setting(simulation, "backup-snapshot-interval-seconds", "%u",
            (unsigned)random_between(random, 1, 15));
    if (mix_has_right_time(simulation->mix) && random_chance(random, 0.6))
        setting(simulation, "backup-keep-seconds", "%u", (unsigned)random_between(random, 1, 20));
}

/* ---- the whole ---- */

/* Not where nodes are lost for good: a shard that is recovered goes on without entries that its
 * backup may have (docs/guide/backup.md). */
static void begin_backups(struct simulation *simulation) {
    bool is_wanted =
        mix_wants_backups(simulation->mix) || random_chance(&simulation->random, SIM_BACKUP_CHANCE);
    if (!is_wanted || mix_loses_nodes(simulation->mix))
        return;
    simulation->blobs = sim_blobs_new(&simulation->queue, &simulation->random, &simulation->trace);
    simulation->past = past_new(simulation->shard_count + 1);
    simulation->archivist = archivist_new(simulation);
    configure_backups(simulation);
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
    simulation->mix = (enum mix)random_below(random, MIX_COUNT);
    if (options->mix >= 0)
        simulation->mix = (enum mix)options->mix;
    simulation->faults = faults_new(simulation);
    if (mix_wants_more_nodes(simulation->mix) && !options->node_count)
        simulation->node_count = (unsigned)random_between(random, 4, 6);
    simulation->founded_count = simulation->node_count;
    if (mix_wants_spares(simulation->mix) && !options->node_count)
        simulation->node_count += (unsigned)random_between(random, 0, SIM_SPARES_MOST);
    if (options->shard_count)
        simulation->shard_count = options->shard_count;
    bool is_small = mix_likes_small_messages(simulation->mix);
    simulation->ballast_share = is_small ? 0.8 : 0.1;
    if (mix_fills_logs(simulation->mix) && random_chance(random, 0.5))
        simulation->ballast_share = 0.4;
    if (is_small) { /* and where all write to one log */
        simulation->shard_count = 1;
        simulation->client_count = 6;
    }
    if (mix_wants_async(simulation->mix) || random_chance(random, SIM_ASYNC_CHANCE))
        simulation->async_share = 0.1 + 0.9 * random_unit(random);
    if (random_chance(random, 0.6))
        simulation->follower_share = 0.5 * random_unit(random);
    if (random_chance(random, SIM_FLUSH_CHANCE))
        simulation->flush_share = SIM_FLUSH_SHARE_MOST * random_unit(random);
    if (random_chance(random, SIM_SLOW_READER_CHANCE))
        simulation->slow_share = SIM_SLOW_SHARE_MOST * random_unit(random);
    simulation->is_sealed = random_chance(random, 0.5);
    for (unsigned i = 0; i < SEAL_KEY_BYTES; i++)
        simulation->cluster_key.bytes[i] = (uint8_t)random_next(random);
    simulation_configure(simulation);
    begin_backups(simulation);
    simulation->risk = risk_new(simulation->shard_count + 1);
    simulation->checks = checks_new(simulation->shard_count + 1);
    struct sim_net_owner owner = delivery_owner(simulation);
    simulation->net =
        sim_net_new(&simulation->queue, random, &simulation->trace, &owner, simulation->node_count);
    if (random_chance(random, 0.5))
        sim_net_set_echo(simulation->net, random_unit(random));
    for (unsigned i = 0; i < simulation->node_count; i++)
        simulation->nodes[i] = sim_node_new(simulation, i);
    for (unsigned i = 0; i < simulation->client_count; i++)
        simulation->clients[i] = client_new(simulation, i);
    if (mix_loses_nodes(simulation->mix)) {
        simulation->loss_account = loss_account_new(simulation->shard_count + 1);
        simulation->loss = loss_new(simulation);
    }
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
    archivist_free(simulation->archivist);
    sim_blobs_free(simulation->blobs);
    past_free(simulation->past);
    loss_free(simulation->loss);
    loss_account_free(simulation->loss_account);
    risk_free(simulation->risk);
    checks_free(simulation->checks);
    history_release(&simulation->history);
    config_release(&simulation->config);
    event_queue_release(&simulation->queue);
    buffer_release(&simulation->failure);
    memory_free(simulation);
}
