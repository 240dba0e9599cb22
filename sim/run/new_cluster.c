#include "sim/run/new_cluster.h"
#include "base/memory.h"
#include "cluster/topology.h"
#include "directory/restore.h"
#include "shard/shard.h"
#include "sim/cluster/node.h"
#include "sim/life/connection.h"
#include "sim/life/life.h"
#include "sim/run/course.h"
#include "sim/run/scene.h"

struct new_cluster {
    struct recall *recall;
    struct simulation *simulation; /* owned: the new one's world */
    struct restored_shard *shards; /* owned; by number: what was told of them */
};

static struct simulation *old_simulation(const struct new_cluster *cluster) {
    return cluster->recall->simulation;
}

static void note_shard(void *context, const struct restored_shard *shard) {
    struct new_cluster *cluster = context;
    if (shard->number > old_simulation(cluster)->shard_count)
        simulation_fail(old_simulation(cluster), "a shard %u was restored, which is none of them",
                        shard->number);
    else
        cluster->shards[shard->number] = *shard;
}

/* ---- its directory ---- */

/* All there is; nobody's clock tells anything of it. */
static void restore(struct new_cluster *cluster) {
    struct sim_node *node = cluster->simulation->nodes[0];
    struct disk *workers[SIM_WORKER_MAXIMUM];
    struct buffer problem;
    for (unsigned i = 0; i < cluster->simulation->worker_count; i++)
        workers[i] = sim_disk_door(node->threads[i].disk);
    struct restore_options options = {.reader = &cluster->recall->reader,
                                      .cluster = &cluster->recall->catalogue.clusters[0],
                                      .time_ms = UINT64_MAX,
                                      .config = &cluster->simulation->config,
                                      .node_disk = sim_disk_door(node->node_disk),
                                      .workers = workers,
                                      .worker_count = cluster->simulation->worker_count,
                                      .seed = cluster->simulation->options.seed,
                                      .shard_done = note_shard,
                                      .context = cluster};
    memcpy(options.uuid, node->uuid, sizeof options.uuid);
    memcpy(options.cluster_id, node->uuid, sizeof options.cluster_id);
    buffer_init(&problem, 4096);
    node->power.is_off = false;
    if (restore_cluster(&options, &problem))
        simulation_fail(old_simulation(cluster), "the backup cannot be restored: %.*s",
                        BYTES_PRINT(buffer_bytes(&problem)));
    node->power.is_off = true;
    buffer_release(&problem);
}

/* ---- its node ---- */

static void check_shard(struct new_cluster *cluster, uint32_t number) {
    const struct restored_shard *told = &cluster->shards[number];
    struct shard *shard = sim_node_replica(cluster->simulation->nodes[0], number);
    uint64_t hash = recall_hash(cluster->recall, number, told->index);
    if (shard == NULL || shard_state_hash(shard) != hash)
        simulation_fail(old_simulation(cluster),
                        "shard %u, restored to index %llu, holds other data than its backup",
                        number, (unsigned long long)told->index);
}

static void check_slots(struct new_cluster *cluster) {
    const struct topology *before = sim_topology(old_simulation(cluster));
    const struct topology *after = sim_node_topology(cluster->simulation->nodes[0]);
    if (before && (after == NULL ||
                   memcmp(before->slot_owner, after->slot_owner, sizeof before->slot_owner) != 0))
        simulation_fail(old_simulation(cluster),
                        "the slots of the restored cluster are not those of the former");
}

/* As it is at its start, before anybody has time to change anything. */
static void check_start(struct new_cluster *cluster) {
    check_slots(cluster);
    for (uint32_t number = 1; number <= cluster->simulation->shard_count; number++)
        check_shard(cluster, number);
}

/* A node alone may need a while until it leads everything; then it answers for every key. */
static void run_it(struct new_cluster *cluster) {
    struct simulation *simulation = cluster->simulation;
    sim_node_start(simulation->nodes[0]);
    if (!simulation_has_failed(simulation))
        check_start(cluster);
    if (!simulation_has_failed(old_simulation(cluster)))
        course_read_everything(simulation);
    if (simulation_has_failed(simulation))
        simulation_fail(old_simulation(cluster), "the restored cluster: %.*s",
                        BYTES_PRINT(buffer_bytes(&simulation->failure)));
}

static void let_go(struct new_cluster *cluster) {
    cluster->simulation->phase = PHASE_OVER;
    connections_node_died(cluster->simulation, 0);
    simulation_free(cluster->simulation);
    memory_free(cluster->shards);
}

void new_cluster_check(struct recall *recall) {
    struct simulation *before = recall->simulation;
    struct simulation_options options = {.seed = random_next(&before->random),
                                         .node_count = 1,
                                         .shard_count = before->shard_count,
                                         .is_printed = before->options.is_printed,
                                         .mix = MIX_EVERYTHING};
    struct new_cluster cluster = {
        .recall = recall,
        .simulation = simulation_new(&options),
        .shards = memory_allocate_zeroed(before->shard_count + 1, sizeof *cluster.shards)};
    trace_line(&before->trace, "a new cluster is restored from the backup");
    restore(&cluster);
    if (!simulation_has_failed(before))
        run_it(&cluster);
    let_go(&cluster);
}
