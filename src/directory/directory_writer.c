#include "directory/directory_writer.h"

#include "base/check.h"
#include "base/memory.h"
#include "cluster/feature.h"
#include "cluster/topology_file.h"
#include "io/waiting_disk.h"
#include "member/identity.h"
#include "raft/raft.h"
#include "shard/machine/plan.h"
#include "store/snapshot/chunk.h"
#include "store/wal/wal.h"
#include "worker/promise.h"
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
            if (wal_is_stalled(worker->wal)) /* nobody waits for space here */
                writer->failure = wal_stalled_for(worker->wal);
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
    struct directory_writer *writer = memory_allocate_zeroed(1, sizeof *writer);
    writer->options = *options;
    writer->workers = memory_allocate_zeroed(options->worker_count, sizeof *writer->workers);
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

struct shard_writer {
    struct disk *disk;
    struct machine *machine;
    uint32_t shard;
    struct plan plan;
    uint64_t full_bytes;         /* a range of slots that turns out longer is several chunks */
    struct snapshot_chunk chunk; /* the one at hand, */
    struct buffer raw;           /* and what it holds */
    struct snapshot_chunk *written;
    uint32_t count, capacity;
};

static void note_written(struct shard_writer *writer) {
    if (writer->count == writer->capacity) {
        writer->capacity = writer->capacity * 2 + 16;
        writer->written =
            memory_resize(writer->written, writer->capacity * sizeof *writer->written);
    }
    writer->written[writer->count++] = writer->chunk;
}

static int write_chunk(struct shard_writer *writer) {
    if (writer->raw.is_overflowed)
        return ERR_LIMIT;
    struct buffer image;
    buffer_init(&image, SNAPSHOT_CHUNK_BYTES_MAXIMUM);
    int error =
        snapshot_chunk_pack(writer->shard, buffer_bytes(&writer->raw), &image, &writer->chunk);
    if (!error) {
        error =
            snapshot_chunk_write(writer->disk, writer->shard, &writer->chunk, buffer_bytes(&image));
    }
    if (!error)
        note_written(writer);
    buffer_release(&image);
    return error;
}

/* Behind the last chunk of a slot there may be nothing but the hash of a key that is whole now. */
static int end_chunk(struct shard_writer *writer) {
    uint64_t state_hash = writer->chunk.state_hash;
    if (writer->raw.length == 0) {
        CHECK(writer->count > 0 || state_hash == 0);
        if (state_hash)
            writer->written[writer->count - 1].state_hash += state_hash;
        return 0;
    }
    int error = write_chunk(writer);
    buffer_clear(&writer->raw);
    return error;
}

/* The manifest has room for one more than is planned. */
static bool may_go_on(const struct shard_writer *writer, uint32_t planned) {
    return writer->count + writer->plan.chunk_count - planned < SNAPSHOT_CHUNK_COUNT_MAXIMUM;
}

/* How large the slots are was guessed when the plan was made. */
static bool is_full(const struct shard_writer *writer, uint32_t planned, unsigned slot) {
    return slot < writer->plan.chunks[planned].last_slot &&
           writer->raw.length >= writer->full_bytes && may_go_on(writer, planned);
}

static void begin_chunk(struct shard_writer *writer, uint32_t planned, unsigned first_slot) {
    writer->chunk = writer->plan.chunks[planned];
    writer->chunk.first_slot = (uint16_t)first_slot;
    writer->chunk.state_hash = 0;
}

/* Of one slot, or one part of it: as many chunks as it takes. */
static int write_slot(struct shard_writer *writer, uint32_t planned, unsigned slot) {
    struct machine *machine = writer->machine;
    struct slot_part part = plan_part_of(&writer->plan.chunks[planned]);
    part.slot = (slot_number)slot;
    for (;;) {
        size_t enough_bytes =
            may_go_on(writer, planned) ? plan_enough_bytes(&writer->plan, planned) : SIZE_MAX;
        enum cut_saved saved = machine->ops->save(machine, part, SIZE_MAX, enough_bytes,
                                                  &writer->raw, &writer->chunk.state_hash);
        if (saved != CUT_SAVED_ENOUGH)
            return 0;
        int error = end_chunk(writer);
        if (error)
            return error;
        begin_chunk(writer, planned, slot);
    }
}

static int write_planned(struct shard_writer *writer, uint32_t planned) {
    const struct snapshot_chunk *range = &writer->plan.chunks[planned];
    int error = 0;
    begin_chunk(writer, planned, range->first_slot);
    for (unsigned slot = range->first_slot; slot <= range->last_slot && !error; slot++) {
        error = write_slot(writer, planned, slot);
        if (!error && is_full(writer, planned, slot)) {
            writer->chunk.last_slot = (uint16_t)slot;
            error = end_chunk(writer);
            begin_chunk(writer, planned, slot + 1);
        }
    }
    return error ? error : end_chunk(writer);
}

/* As a shard cuts its first snapshot (shard/machine/plan.h), so that its next one keeps what does
 * not change: also of a slot that is more than a chunk. */
static int write_slots(struct shard_writer *writer, const struct plan_options *options) {
    struct machine *machine = writer->machine;
    struct part_set nothing = {.parts = NULL};
    int error = 0;
    writer->full_bytes = 2 * options->chunk_bytes;
    plan_init(&writer->plan, machine, NULL, &nothing, options);
    plan_cut(&writer->plan, machine);
    for (uint32_t planned = 0; planned < writer->plan.chunk_count && !error; planned++)
        error = write_planned(writer, planned);
    while (machine->ops->end_cut(machine, SIZE_MAX))
        continue;
    plan_release(&writer->plan);
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

static int write_snapshot(const struct directory_writer *writer_of_all, struct disk *disk,
                          const struct directory_shard_state *state, struct machine *machine) {
    const struct directory_writer_options *options = &writer_of_all->options;
    struct plan_options plan = {
        .chunk_bytes = (uint64_t)options->config->snapshot_chunk_bytes,
        .may_divide = feature_is_on(options->topology, FEATURE_DIVIDED_SLOTS),
        .may_split = feature_is_on(options->topology, FEATURE_SPLIT_STRINGS)};
    struct shard_writer writer = {.disk = disk, .machine = machine, .shard = state->number};
    struct snapshot_meta meta;
    buffer_init(&writer.raw, SNAPSHOT_CHUNK_BYTES_MAXIMUM);
    int error = write_slots(&writer, &plan);
    if (!error) {
        describe(state, &meta);
        struct snapshot_manifest *manifest =
            snapshot_manifest_new(&meta, writer.written, writer.count);
        error = snapshot_manifest_write(disk, manifest);
        snapshot_manifest_free(manifest);
    }
    buffer_release(&writer.raw);
    memory_free(writer.written);
    return error;
}

int directory_writer_shard(struct directory_writer *writer,
                           const struct directory_shard_state *state, struct machine *machine,
                           struct buffer *problem) {
    struct writer_worker *worker = &writer->workers[state->number % writer->options.worker_count];
    if (state->index == 0)
        return 0;
    int error = write_snapshot(writer, &worker->disk.disk, state, machine);
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

static int write_promises(struct directory_writer *writer, struct buffer *problem) {
    int error = 0;
    for (unsigned i = 0; i < writer->options.worker_count && !error; i++)
        error = promise_write_none(writer->options.workers[i]);
    if (error)
        buffer_append_format(problem, "the file \"" PROMISE_FILE "\" cannot be written: %s",
                             error_text(error));
    return error;
}

static int write_topology(struct directory_writer *writer, const char *name) {
    struct buffer encoded;
    buffer_init(&encoded, TOPOLOGY_FILE_BYTES_MAXIMUM);
    topology_file_encode(writer->options.topology,
                         feature_is_on(writer->options.topology, FEATURE_SUMMED_FILES), &encoded);
    int error = disk_write_all(writer->options.node_disk, name, buffer_bytes(&encoded));
    buffer_release(&encoded);
    return error;
}

int directory_writer_finish(struct directory_writer *writer, struct buffer *problem) {
    struct identity identity;
    int error = make_logs_durable(writer, problem);
    if (!error)
        error = write_promises(writer, problem);
    if (!error) {
        error = identity_open(writer->options.node_disk, writer->options.topology->nodes[0].uuid,
                              writer->options.worker_count, &identity, problem);
    }
    if (error)
        return error;
    error = write_topology(writer, "founding");
    error = error ? error : write_topology(writer, "topology");
    if (error)
        buffer_append_format(problem, "the topology cannot be written: %s", error_text(error));
    return error;
}
