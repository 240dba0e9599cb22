#include "sim/run/new_cluster.h"
#include "base/check.h"
#include "base/memory.h"
#include "cluster/topology.h"
#include "directory/restore.h"
#include "shard/machine/keyspace_machine.h"
#include "shard/shard.h"
#include "sim/cluster/node.h"
#include "sim/life/connection.h"
#include "sim/life/life.h"
#include "sim/run/course.h"
#include "sim/run/scene.h"

enum { BROKEN_OFF_TIMES = 3 };

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

static struct sim_node *node_of(const struct new_cluster *cluster) {
    return cluster->simulation->nodes[0];
}

/* All there is; nobody's clock tells anything of it. False, with a sentence: it was not to be. */
static bool restore(struct new_cluster *cluster, struct buffer *problem) {
    struct sim_node *node = node_of(cluster);
    struct disk *workers[SIM_WORKER_MAXIMUM];
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
    node->power.is_off = false;
    return restore_cluster(&options, problem) == 0;
}

/* Of its machine: what was not synced by now may be gone. */
static void lose_power(struct new_cluster *cluster) {
    struct sim_node *node = node_of(cluster);
    node->power.is_off = true;
    node->power.off_at_call = 0;
    sim_disk_end_life(node->node_disk, SIM_DEATH_BY_POWER);
    for (unsigned i = 0; i < cluster->simulation->worker_count; i++)
        sim_disk_end_life(node->threads[i].disk, SIM_DEATH_BY_POWER);
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

static void make(struct new_cluster *cluster, struct recall *recall) {
    struct simulation *before = recall->simulation;
    struct simulation_options options = {.seed = random_next(&before->random),
                                         .node_count = 1,
                                         .shard_count = before->shard_count,
                                         .is_printed = before->options.is_printed,
                                         .mix = MIX_EVERYTHING};
    *cluster = (struct new_cluster){
        .recall = recall,
        .simulation = simulation_new(&options),
        .shards = memory_allocate_zeroed(before->shard_count + 1, sizeof *cluster->shards)};
}

/* Its machine loses its power as soon as it is told that all is there. Returns how often its disks
 * were called. */
static uint64_t check_whole(struct recall *recall) {
    struct simulation *before = recall->simulation;
    struct new_cluster cluster;
    struct buffer problem;
    buffer_init(&problem, 4096);
    trace_line(&before->trace, "a new cluster is restored from the backup");
    make(&cluster, recall);
    if (!restore(&cluster, &problem))
        simulation_fail(before, "the backup cannot be restored: %.*s",
                        BYTES_PRINT(buffer_bytes(&problem)));
    uint64_t call_count = node_of(&cluster)->power.call_count;
    lose_power(&cluster);
    if (!simulation_has_failed(before))
        run_it(&cluster);
    let_go(&cluster);
    buffer_release(&problem);
    return call_count;
}

/* Half a restore is refused by a start, or nothing of it is there. */
static void check_half(struct new_cluster *cluster) {
    static const char refusal[] = "no file \"topology\"";
    struct simulation *simulation = cluster->simulation;
    sim_node_start(node_of(cluster));
    struct bytes failure = buffer_bytes(&simulation->failure);
    if (failure.length) {
        if (memmem(failure.data, failure.length, refusal, sizeof refusal - 1) == NULL)
            simulation_fail(old_simulation(cluster), "after a restore that broke off: %.*s",
                            BYTES_PRINT(failure));
        return;
    }
    for (uint32_t number = 1; number <= simulation->shard_count; number++) {
        struct shard *shard = sim_node_replica(node_of(cluster), number);
        if (shard && keyspace_machine_key_count(shard_machine(shard)) > 0)
            simulation_fail(old_simulation(cluster),
                            "a node starts from a restore that broke off, and has some of shard %u",
                            number);
    }
}

/* It loses its power in the middle of any call of its disks. Who starts there then joins nobody. */
static void check_broken_off(struct recall *recall, uint64_t call_count) {
    struct simulation *before = recall->simulation;
    struct new_cluster cluster;
    struct buffer problem;
    buffer_init(&problem, 4096);
    make(&cluster, recall);
    CHECK(config_set(&cluster.simulation->config, BYTES_LITERAL("join"), BYTES_NONE,
                     CONFIG_SOURCE_FILE, &problem) == 0);
    node_of(&cluster)->power.off_at_call = random_between(&before->random, 1, call_count);
    trace_line(&before->trace, "a restore breaks off in call %llu of the disks",
               (unsigned long long)node_of(&cluster)->power.off_at_call);
    bool is_whole = restore(&cluster, &problem);
    lose_power(&cluster);
    if (is_whole)
        run_it(&cluster);
    else
        check_half(&cluster);
    let_go(&cluster);
    buffer_release(&problem);
}

void new_cluster_check(struct recall *recall) {
    uint64_t call_count = check_whole(recall);
    for (unsigned i = 0; i < BROKEN_OFF_TIMES && !simulation_has_failed(recall->simulation); i++)
        check_broken_off(recall, call_count);
}
