#include "sim/run/scene.h"
#include "base/memory.h"
#include "sim/backup/archivist.h"
#include "sim/check/checks.h"
#include "sim/check/loss_account.h"
#include "sim/check/past.h"
#include "sim/check/risk.h"
#include "sim/check/situations.h"
#include "sim/fault/faults.h"
#include "sim/life/delivery.h"
#include "sim/life/life.h"
#include "sim/operator/loss.h"
#include "sim/run/scene_settings.h"
#include "sim/workload/client.h"
#include "sim/world/blobs.h"

static const double SIM_ASYNC_CHANCE = 0.2; /* in the mixes that are about something else */
enum { SIM_SPARES_MOST = 2 };
/* A FLUSHALL of unknown outcome explains every key that is lost later; so most runs have none. */
static const double SIM_FLUSH_CHANCE = 0.3, SIM_FLUSH_SHARE_MOST = 0.01;
static const double SIM_BACKUP_CHANCE = 0.15; /* in the mixes that are about something else */
static const double SIM_BACKUP_OF_LOST_CHANCE = 0.3; /* where nodes are lost for good */
static const double SIM_SLOW_READER_CHANCE = 0.4, SIM_SLOW_SHARE_MOST = 0.015;

/* ---- what the run is about ---- */

static void choose_size(struct simulation *simulation) {
    struct random *random = &simulation->random;
    simulation->node_count = simulation->options.node_count;
    if (simulation->node_count == 0)
        simulation->node_count = random_chance(random, 0.8) ? 3 : 5;
    simulation->replica_count = simulation->node_count < 3 ? simulation->node_count : 3;
    simulation->worker_count = (unsigned)random_between(random, 1, 2);
    simulation->shard_count = random_chance(random, 0.25) ? (unsigned)random_between(random, 8, 16)
                                                          : (unsigned)random_between(random, 1, 3);
    simulation->client_count = (unsigned)random_between(random, 3, 6);
    simulation->think_most_us = random_between(random, 20000, 200000);
    simulation->patience_most_us = random_between(random, 400000, 4000000);
}

static void choose_mix(struct simulation *simulation) {
    simulation->mix = (enum mix)random_below(&simulation->random, MIX_COUNT);
    if (simulation->options.mix >= 0)
        simulation->mix = (enum mix)simulation->options.mix;
    simulation->faults = faults_new(simulation);
}

/* Some mixes want other nodes, shards or clients than the seed has chosen. */
static void fit_size_to_mix(struct simulation *simulation) {
    const struct simulation_options *options = &simulation->options;
    struct random *random = &simulation->random;
    if (mix_wants_more_nodes(simulation->mix) && !options->node_count)
        simulation->node_count = (unsigned)random_between(random, 4, 6);
    simulation->founded_count = simulation->node_count;
    if (mix_wants_spares(simulation->mix) && !options->node_count)
        simulation->node_count += (unsigned)random_between(random, 0, SIM_SPARES_MOST);
    if (options->shard_count)
        simulation->shard_count = options->shard_count;
    if (mix_likes_small_messages(simulation->mix)) { /* and where all write to one log */
        simulation->shard_count = 1;
        simulation->client_count = 6;
    }
}

static void choose_shares(struct simulation *simulation) {
    struct random *random = &simulation->random;
    simulation->ballast_share = mix_likes_small_messages(simulation->mix) ? 0.8 : 0.1;
    if (mix_fills_logs(simulation->mix) && random_chance(random, 0.5))
        simulation->ballast_share = 0.4;
    if (mix_wants_async(simulation->mix) || random_chance(random, SIM_ASYNC_CHANCE))
        simulation->async_share = 0.1 + 0.9 * random_unit(random);
    if (random_chance(random, 0.6))
        simulation->follower_share = 0.5 * random_unit(random);
    if (random_chance(random, SIM_FLUSH_CHANCE))
        simulation->flush_share = SIM_FLUSH_SHARE_MOST * random_unit(random);
    if (random_chance(random, SIM_SLOW_READER_CHANCE))
        simulation->slow_share = SIM_SLOW_SHARE_MOST * random_unit(random);
}

static void choose_key(struct simulation *simulation) {
    simulation->is_sealed = random_chance(&simulation->random, 0.5);
    for (unsigned i = 0; i < SEAL_KEY_BYTES; i++)
        simulation->cluster_key.bytes[i] = (uint8_t)random_next(&simulation->random);
}

/* ---- who takes part ---- */

static void begin_backups(struct simulation *simulation) {
    double chance =
        mix_loses_nodes(simulation->mix) ? SIM_BACKUP_OF_LOST_CHANCE : SIM_BACKUP_CHANCE;
    if (!mix_wants_backups(simulation->mix) && !random_chance(&simulation->random, chance))
        return;
    simulation->blobs = sim_blobs_new(&simulation->queue, &simulation->random, &simulation->trace);
    simulation->past = past_new(simulation->shard_count + 1);
    simulation->archivist = archivist_new(simulation);
    scene_settings_choose_backups(simulation);
}

static void make_checks(struct simulation *simulation) {
    simulation->risk = risk_new(simulation->shard_count + 1);
    simulation->checks = checks_new(simulation->shard_count + 1);
    simulation->situations = situations_new(simulation->shard_count + 1);
}

static void make_network(struct simulation *simulation) {
    struct random *random = &simulation->random;
    struct sim_net_owner owner = delivery_owner(simulation);
    simulation->net =
        sim_net_new(&simulation->queue, random, &simulation->trace, &owner, simulation->node_count);
    if (random_chance(random, 0.5))
        sim_net_set_echo(simulation->net, random_unit(random));
}

static void make_nodes_and_clients(struct simulation *simulation) {
    for (unsigned i = 0; i < simulation->node_count; i++)
        simulation->nodes[i] = sim_node_new(simulation, i);
    for (unsigned i = 0; i < simulation->client_count; i++)
        simulation->clients[i] = client_new(simulation, i);
    if (mix_loses_nodes(simulation->mix)) {
        simulation->loss_account = loss_account_new(simulation->shard_count + 1);
        simulation->loss = loss_new(simulation);
    }
}

/* The order of these calls is the order of their lots. */
struct simulation *simulation_new(const struct simulation_options *options) {
    struct simulation *simulation = memory_allocate_zeroed(1, sizeof *simulation);
    simulation->options = *options;
    buffer_init(&simulation->failure, SIM_FAILURE_MAXIMUM);
    event_queue_init(&simulation->queue);
    trace_init(&simulation->trace, &simulation->queue.now_us, options->is_printed);
    random_init(&simulation->random, options->seed);
    history_init(&simulation->history);
    choose_size(simulation);
    choose_mix(simulation);
    fit_size_to_mix(simulation);
    choose_shares(simulation);
    choose_key(simulation);
    scene_settings_choose(simulation);
    begin_backups(simulation);
    make_checks(simulation);
    make_network(simulation);
    make_nodes_and_clients(simulation);
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
    situations_free(simulation->situations);
    history_release(&simulation->history);
    config_release(&simulation->config);
    event_queue_release(&simulation->queue);
    buffer_release(&simulation->failure);
    memory_free(simulation);
}
