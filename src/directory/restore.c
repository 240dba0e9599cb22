#include "directory/restore.h"

#include "replica/topology/control_machine.h"
#include "shard/machine/keyspace_machine.h"

struct restore {
    const struct restore_options *options;
    struct config config;
    struct topology_node node;
    struct topology *topology; /* of the new cluster */
    struct directory_writer *writer;
    struct buffer *problem;
};

static int say(struct restore *restore, int error) {
    buffer_append_text(restore->problem, restore->options->reader->problem.text);
    return error;
}

/* ---- the control shard ---- */

/* The topology as of then; where the backup began later, its first one: it is no data. */
static struct replay_target control_target(const struct restore *restore,
                                           const struct shard_backup *backup) {
    struct replay_target target = {.index = UINT64_MAX, .time_ms = restore->options->time_ms};
    if (!shard_backup_snapshot_at(backup, UINT64_MAX, target.time_ms) && backup->snapshot_count)
        target = (struct replay_target){.index = backup->snapshots[0].index, .time_ms = UINT64_MAX};
    return target;
}

static int read_topology(struct restore *restore) {
    const struct restore_options *options = restore->options;
    const struct replay_target wanted = {.index = UINT64_MAX, .time_ms = options->time_ms};
    const struct shard_backup *backup = cluster_backup_shard_at(options->cluster, 0, &wanted);
    if (!backup || backup->snapshot_count == 0) {
        buffer_append_text(restore->problem, "the backup has no snapshot of the control shard yet; "
                                             "ask for one with `trothdb backup now`");
        return ERR_NOT_FOUND;
    }
    struct topology *placeholder = topology_found(options->cluster_id, &restore->node, 1, 1, 1);
    struct machine *machine = control_machine_new(placeholder);
    struct replay_target target = control_target(restore, backup);
    struct replay replay;
    replay_init(&replay, machine, &target);
    int error = backup_read_shard(options->reader, backup, &replay);
    if (!error) {
        restore->topology = topology_found_again(control_machine_topology(machine),
                                                 options->cluster_id, &restore->node);
    }
    replay_release(&replay);
    machine->ops->free(machine);
    topology_free(placeholder);
    return error ? say(restore, error) : 0;
}

/* ---- the others ---- */

static struct replay_target target_of(const struct restore *restore, uint32_t shard) {
    for (size_t i = 0; i < restore->options->bound_count; i++) {
        if (restore->options->bounds[i].shard == shard) {
            return (struct replay_target){.index = restore->options->bounds[i].index,
                                          .time_ms = UINT64_MAX};
        }
    }
    return (struct replay_target){.index = UINT64_MAX, .time_ms = restore->options->time_ms};
}

static int write_shard(struct restore *restore, uint32_t number, struct machine *machine,
                       const struct replay *replay) {
    struct directory_shard_state state = {
        .number = number, .index = replay->index, .term = replay->term, .time_ms = replay->time_ms};
    struct restored_shard told = {.number = number,
                                  .snapshot_index = replay->snapshot_index,
                                  .entry_count = replay->entry_count,
                                  .index = replay->index,
                                  .time_ms = replay->time_ms,
                                  .key_count = keyspace_machine_key_count(machine)};
    int error = directory_writer_shard(restore->writer, &state, machine, restore->problem);
    if (!error && restore->options->shard_done)
        restore->options->shard_done(restore->options->context, &told);
    return error;
}

static int restore_shard(struct restore *restore, uint32_t number) {
    const struct cluster_backup *cluster = restore->options->cluster;
    struct replay_target target = target_of(restore, number);
    if (!cluster_backup_shard(cluster, number)) {
        buffer_append_format(restore->problem,
                             "the backup has nothing of shard %u; ask for it with `trothdb backup "
                             "now` while the cluster runs",
                             number);
        return ERR_NOT_FOUND;
    }
    struct machine *machine = keyspace_machine_new(restore->options->seed, NULL);
    struct replay replay;
    replay_init(&replay, machine, &target);
    int error = backup_read_to_target(restore->options->reader, cluster, number, &replay);
    error = error ? say(restore, error) : write_shard(restore, number, machine, &replay);
    replay_release(&replay);
    machine->ops->free(machine);
    return error;
}

static int restore_shards(struct restore *restore) {
    const struct restore_options *options = restore->options;
    struct directory_writer_options writer = {.node_disk = options->node_disk,
                                              .workers = options->workers,
                                              .worker_count = options->worker_count,
                                              .topology = restore->topology,
                                              .config = options->config ? options->config
                                                                        : &restore->config,
                                              .seed = options->seed};
    int error = directory_writer_new(&writer, &restore->writer, restore->problem);
    if (error)
        return error;
    for (unsigned i = 1; i < restore->topology->shard_count && !error; i++)
        error = restore_shard(restore, restore->topology->shards[i].number);
    if (!error)
        error = directory_writer_finish(restore->writer, restore->problem);
    directory_writer_free(restore->writer);
    return error;
}

/* The node says where it listens when it starts (control.c). */
static const struct topology_node FIRST_NODE = {
    .number = 1,
    .address = {.host = "127.0.0.1", .client_port = 7001, .peer_port = 17001, .admin_port = 9001}};

int restore_cluster(const struct restore_options *options, struct buffer *problem) {
    struct restore restore = {.options = options, .node = FIRST_NODE, .problem = problem};
    memcpy(restore.node.uuid, options->uuid, sizeof restore.node.uuid);
    config_init(&restore.config);
    int error = read_topology(&restore);
    if (!error)
        error = restore_shards(&restore);
    topology_free(restore.topology);
    config_release(&restore.config);
    return error;
}

int restore_find_missing(struct backup_reader *reader, const struct cluster_backup *cluster,
                         void (*missing)(void *context, uint32_t shard), void *context,
                         struct buffer *problem) {
    struct restore_options options = {.reader = reader, .cluster = cluster, .time_ms = UINT64_MAX};
    struct restore restore = {.options = &options, .node = FIRST_NODE, .problem = problem};
    int error = read_topology(&restore);
    for (unsigned i = 1; !error && i < restore.topology->shard_count; i++)
        if (!cluster_backup_shard(cluster, restore.topology->shards[i].number))
            missing(context, restore.topology->shards[i].number);
    topology_free(restore.topology);
    return error;
}
