#include "directory/directory_writer.h"

#include "base/check.h"
#include "base/memory.h"
#include "io/waiting_disk.h"
#include "member/identity.h"
#include "node/node.h"
#include "raft/raft.h"
#include "store/snapshot_chunk.h"
#include "store/wal.h"
#include "worker/settings.h"

struct writer_worker {
    struct waiting_disk disk;
    struct wal *wal;
};

struct directory_writer {
    struct directory_writer_options options;
    struct writer_worker *workers;
    int failure; /* of a log */
};

/* ---- the logs ---- */

static void on_durable(void *context, uint64_t sequence) { (void)context, (void)sequence; }

static void on_failure(void *context, int error, const char *what) {
    (void)what;
    ((struct directory_writer *)context)->failure = error;
}

static int is_not_empty_entry(void *context, uint32_t shard, struct bytes entry) {
    (void)context, (void)shard, (void)entry;
    return ERR_EXISTS;
}
static int is_not_empty_truncate(void *context, uint32_t shard, uint64_t from_index) {
    (void)context, (void)shard, (void)from_index;
    return ERR_EXISTS;
}
static int is_not_empty_state(void *context, uint32_t shard, uint64_t term, uint32_t vote) {
    (void)context, (void)shard, (void)term, (void)vote;
    return ERR_EXISTS;
}
static int is_not_empty_snapshot(void *context, uint32_t shard, uint64_t index, uint64_t term) {
    (void)context, (void)shard, (void)index, (void)term;
    return ERR_EXISTS;
}

static int open_log(struct directory_writer *writer, unsigned worker, struct buffer *problem) {
    struct writer_worker *into = &writer->workers[worker];
    waiting_disk_init(&into->disk, writer->options.workers[worker]);
    struct wal_options options = {
        .disk = &into->disk.disk,
        .tuning = settings_wal_tuning(writer->options.config),
        .seed = writer->options.seed + worker,
        .on_durable = on_durable,
        .on_failure = on_failure,
        .context = writer,
    };
    struct wal_visitor visitor = {.entry = is_not_empty_entry,
                                  .truncate = is_not_empty_truncate,
                                  .state = is_not_empty_state,
                                  .snapshot = is_not_empty_snapshot};
    struct wal_problem cause = {{0}};
    int error = wal_open(&options, &visitor, &into->wal, &cause);
    if (error) {
        buffer_append_format(problem, "the log of worker %u cannot be made: %s", worker,
                             cause.text[0] ? cause.text : error_text(error));
    }
    return error;
}

static int make_logs_durable(struct directory_writer *writer, struct buffer *problem) {
    for (unsigned i = 0; i < writer->options.worker_count && !writer->failure; i++) {
        struct writer_worker *worker = &writer->workers[i];
        while (!wal_is_idle(worker->wal) && !writer->failure) {
            wal_flush(worker->wal);
            waiting_disk_wait(&worker->disk);
        }
    }
    if (writer->failure) {
        buffer_append_format(problem, "a log cannot be written: %s; check the disk and its space",
                             error_text(writer->failure));
    }
    return writer->failure;
}

/* ---- life ---- */

int directory_writer_new(const struct directory_writer_options *options,
                         struct directory_writer **out, struct buffer *problem) {
    struct directory_writer *writer = memory_allocate_zeroed(1, sizeof(*writer));
    writer->options = *options;
    writer->workers = memory_allocate_zeroed(options->worker_count, sizeof(*writer->workers));
    int error = 0;
    for (unsigned i = 0; i < options->worker_count && !error; i++) {
        error = open_log(writer, i, problem);
        if (!error) {
            wal_append_state(writer->workers[i].wal, i, 1,
                             0); /* the mark of what is not finished */
        }
    }
    error = error ? error : make_logs_durable(writer, problem);
    if (error) {
        directory_writer_free(writer);
        return error;
    }
    *out = writer;
    return 0;
}

void directory_writer_free(struct directory_writer *writer) {
    for (unsigned i = 0; i < writer->options.worker_count; i++) {
        struct writer_worker *worker = &writer->workers[i];
        if (worker->wal) {
            waiting_disk_wait(&worker->disk);
            wal_free(worker->wal);
        }
    }
    memory_free(writer->workers);
    memory_free(writer);
}

/* ---- a shard ---- */

struct shard_chunks {
    struct snapshot_chunk *items;
    uint32_t count, capacity;
};

static int write_chunk(struct disk *disk, uint32_t shard, struct snapshot_chunk *chunk,
                       struct buffer *raw, struct shard_chunks *chunks) {
    struct buffer image;
    buffer_init(&image, SNAPSHOT_CHUNK_BYTES_MAXIMUM);
    int error = raw->is_overflowed ? ERR_LIMIT
                                   : snapshot_chunk_pack(shard, buffer_bytes(raw), &image, chunk);
    if (!error) {
        error = snapshot_chunk_write(disk, shard, chunk, buffer_bytes(&image));
    }
    if (!error) {
        if (chunks->count == chunks->capacity) {
            chunks->capacity = chunks->capacity * 2 + 16;
            chunks->items = memory_resize(chunks->items, chunks->capacity * sizeof(*chunks->items));
        }
        chunks->items[chunks->count++] = *chunk;
    }
    buffer_release(&image);
    buffer_clear(raw);
    return error;
}

/* Slots one behind the other, until a chunk is full. */
static int write_chunks(struct disk *disk, uint32_t shard, struct machine *machine,
                        struct shard_chunks *chunks) {
    struct buffer raw;
    struct snapshot_chunk chunk = {0};
    int error = 0;
    struct slot_set all;
    memset(&all, 0xff, sizeof(all));
    machine->ops->cut(machine, &all);
    buffer_init(&raw, SNAPSHOT_CHUNK_BYTES_MAXIMUM);
    for (unsigned slot = 0; slot < SLOT_COUNT && !error; slot++) {
        if (machine->ops->slot_bytes(machine, (slot_number)slot) == 0) {
            continue;
        }
        if (raw.length == 0) {
            chunk = (struct snapshot_chunk){.first_slot = (uint16_t)slot};
        }
        chunk.last_slot = (uint16_t)slot;
        machine->ops->save(machine, (slot_number)slot, SIZE_MAX, &raw, &chunk.state_hash);
        if (raw.length >= DIRECTORY_WRITER_CHUNK_BYTES) {
            error = write_chunk(disk, shard, &chunk, &raw, chunks);
        }
    }
    if (!error && raw.length) {
        error = write_chunk(disk, shard, &chunk, &raw, chunks);
    }
    machine->ops->end_cut(machine);
    buffer_release(&raw);
    return error;
}

static void describe(const struct directory_shard_state *state, struct snapshot_meta *meta) {
    const struct raft_configuration alone = {.voter_count = 1, .voters = {1}};
    struct buffer configuration;
    *meta = (struct snapshot_meta){.shard = state->number,
                                   .index = state->index,
                                   .term = state->term,
                                   .stamp_ms = state->time_ms};
    buffer_init(&configuration, SNAPSHOT_CONFIGURATION_MAXIMUM);
    raft_configuration_encode(&alone, &configuration);
    memcpy(meta->configuration, buffer_data(&configuration), configuration.length);
    meta->configuration_bytes = (uint32_t)configuration.length;
    buffer_release(&configuration);
}

static int write_snapshot(struct disk *disk, const struct directory_shard_state *state,
                          struct machine *machine) {
    struct shard_chunks chunks = {0};
    struct snapshot_meta meta;
    int error = write_chunks(disk, state->number, machine, &chunks);
    if (!error) {
        describe(state, &meta);
        struct snapshot_manifest *manifest =
            snapshot_manifest_new(&meta, chunks.items, chunks.count);
        error = snapshot_manifest_write(disk, manifest);
        snapshot_manifest_free(manifest);
    }
    memory_free(chunks.items);
    return error;
}

int directory_writer_shard(struct directory_writer *writer,
                           const struct directory_shard_state *state, struct machine *machine,
                           struct buffer *problem) {
    struct writer_worker *worker = &writer->workers[state->number % writer->options.worker_count];
    if (state->index == 0) {
        return 0;
    }
    int error = write_snapshot(&worker->disk.disk, state, machine);
    if (error) {
        buffer_append_format(problem, "the snapshot of shard %u cannot be written: %s",
                             state->number, error_text(error));
        return error;
    }
    wal_append_state(worker->wal, state->number, state->term, 0);
    wal_append_snapshot(worker->wal, state->number, state->index, state->term);
    return make_logs_durable(writer, problem);
}

/* ---- the node's own files ---- */

static int write_topology(struct directory_writer *writer, const char *name) {
    struct buffer encoded;
    buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(writer->options.topology, &encoded);
    int error = disk_write_all(writer->options.node_disk, name, buffer_bytes(&encoded));
    buffer_release(&encoded);
    return error;
}

int directory_writer_finish(struct directory_writer *writer, struct buffer *problem) {
    struct identity identity;
    int error = make_logs_durable(writer, problem);
    if (!error) {
        error = identity_open(writer->options.node_disk, writer->options.topology->nodes[0].uuid,
                              writer->options.worker_count, &identity, problem);
    }
    if (error) {
        return error;
    }
    error = write_topology(writer, "founding");
    error = error ? error : write_topology(writer, "topology");
    if (error) {
        buffer_append_format(problem, "the topology cannot be written: %s", error_text(error));
    }
    return error;
}
