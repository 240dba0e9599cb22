#include "shard/recover.h"

#include "base/memory.h"
#include "base/planted.h"
#include "shard/snapshot/stand.h"
#include "shard/timing.h"

struct shard_recovery {
    uint32_t shard;
    raft_term term;
    raft_node_number vote;
    raft_index snapshot_index;
    raft_term snapshot_term;
    /* A replica was here before and was removed: the founding is not of this one. */
    bool is_newcomer;
    raft_index covered_index; /* of a snapshot whose mark is still to come */
    raft_index floor_index;   /* where its log ended, of which it has not all any more */
    raft_term floor_term;
    struct raft_entry **entries; /* contiguous, the first follows the snapshot */
    size_t entry_count, entry_capacity;
    uint64_t bytes; /* of all entries */
};

struct shard_recovery *shard_recovery_new(uint32_t shard) {
    struct shard_recovery *recovery = memory_allocate_zeroed(1, sizeof *recovery);
    recovery->shard = shard;
    return recovery;
}

static void drop(struct shard_recovery *recovery, size_t position) {
    recovery->bytes -= recovery->entries[position]->length;
    raft_entry_drop(recovery->entries[position]);
}

static void drop_from(struct shard_recovery *recovery, size_t position) {
    while (recovery->entry_count > position)
        drop(recovery, --recovery->entry_count);
}

void shard_recovery_free(struct shard_recovery *recovery) {
    if (recovery) {
        drop_from(recovery, 0);
        memory_free(recovery->entries);
        memory_free(recovery);
    }
}

void shard_recovery_cover(struct shard_recovery *recovery, uint64_t index) {
    recovery->covered_index = index;
}

uint64_t shard_recovery_bytes(const struct shard_recovery *recovery) { return recovery->bytes; }

static raft_index next_index(const struct shard_recovery *recovery) {
    if (recovery->entry_count)
        return recovery->entries[recovery->entry_count - 1]->index + 1;
    return recovery->snapshot_index + 1;
}

int shard_recovery_entry(struct shard_recovery *recovery, struct bytes encoded) {
    struct raft_entry *entry;
    int error = raft_entry_decode(&encoded, &entry);
    if (error)
        return error;
    error = entry->kind == RAFT_ENTRY_COMMANDS ? payload_check(raft_entry_payload(entry)) : 0;
    if (error) {
        raft_entry_drop(entry);
        return error;
    }
    /* Before a released segment was freed its entries were covered by a snapshot whose mark comes
     * later in the log: such a log may begin in the middle. A snapshot's mark settles it; a gap
     * that none settles is found at the end. */
    bool is_first = recovery->entry_count == 0;
    if (entry->index <= recovery->snapshot_index || entry->index <= recovery->covered_index) {
        raft_entry_drop(entry);
        return 0;
    }
    if (!is_first && entry->index != next_index(recovery)) {
        raft_entry_drop(entry);
        return ERR_DAMAGED;
    }
    if (recovery->entry_count == recovery->entry_capacity) {
        recovery->entry_capacity = recovery->entry_capacity ? recovery->entry_capacity * 2 : 64;
        recovery->entries =
            memory_resize(recovery->entries, recovery->entry_capacity * sizeof *recovery->entries);
    }
    recovery->entries[recovery->entry_count++] = entry;
    recovery->bytes += entry->length;
    return 0;
}

void shard_recovery_truncate(struct shard_recovery *recovery, uint64_t from_index) {
    while (recovery->entry_count &&
           recovery->entries[recovery->entry_count - 1]->index >= from_index)
        drop_from(recovery, recovery->entry_count - 1);
}

void shard_recovery_state(struct shard_recovery *recovery, uint64_t term, uint32_t vote) {
    recovery->term = term;
    recovery->vote = vote;
}

/* What a snapshot holds is committed. So every later leader's log has it (Leader Completeness,
 * Raft 5.4.3), and a log that holds an entry of its own term behind it is that leader's before it
 * (Log Matching, 5.3). A log with an older term there held something else. */
bool shard_log_goes_on(uint64_t first_term, uint64_t snapshot_term) {
    return first_term >= snapshot_term;
}

/* As raft does when a snapshot is installed: what follows an entry that the snapshot holds too is
 * kept, else nothing is. */
void shard_recovery_snapshot(struct shard_recovery *recovery, uint64_t index, uint64_t term) {
    if (index <= recovery->snapshot_index)
        return;
    size_t covered = 0;
    bool is_continued = false;
    while (covered < recovery->entry_count && recovery->entries[covered]->index <= index) {
        is_continued =
            recovery->entries[covered]->index == index && recovery->entries[covered]->term == term;
        covered++;
    }
    if (covered == 0 && recovery->entry_count)
        is_continued = shard_log_goes_on(recovery->entries[0]->term, term);
    if (!is_continued) {
        drop_from(recovery, 0);
    } else {
        for (size_t i = 0; i < covered; i++)
            drop(recovery, i);
        recovery->entry_count -= covered;
        memmove(recovery->entries, recovery->entries + covered,
                recovery->entry_count * sizeof *recovery->entries);
    }
    recovery->snapshot_index = index;
    recovery->snapshot_term = term;
}

void shard_recovery_forget(struct shard_recovery *recovery, uint64_t index, uint64_t term) {
    drop_from(recovery, 0);
    recovery->snapshot_index = 0;
    recovery->snapshot_term = 0;
    recovery->is_newcomer = true;
    recovery->covered_index = 0; /* entries that come now are of another log */
    recovery->floor_index = index;
    recovery->floor_term = term;
}

void shard_recovery_floor(struct shard_recovery *recovery, uint64_t index, uint64_t term) {
    recovery->floor_index = index;
    recovery->floor_term = term;
}

uint64_t shard_entry_term(struct bytes encoded_entry) {
    struct raft_entry *entry;
    if (raft_entry_decode(&encoded_entry, &entry))
        return 0;
    raft_term term = entry->term;
    raft_entry_drop(entry);
    return term;
}

bool shard_recovery_is_empty(const struct shard_recovery *recovery) {
    bool has_promised = (recovery->term || recovery->vote) && !recovery->is_newcomer;
    return !has_promised && recovery->snapshot_index == 0 && recovery->entry_count == 0;
}

/* ---- from the recovery to a running replica ---- */

static int load_chunk(struct shard *shard, struct machine *machine,
                      const struct snapshot_chunk *chunk) {
    struct buffer raw;
    int error = snapshot_chunk_read(shard->io->disk, shard->number, chunk, &raw);
    if (!error)
        error = machine->ops->load(machine, buffer_bytes(&raw));
    buffer_release(&raw);
    return error;
}

/* Chunk by chunk, so that no more than one is in memory beside what was loaded. */
static int fill_machine(struct shard *shard, struct machine *machine,
                        const struct snapshot_manifest *manifest) {
    int error = 0;
    for (uint32_t i = 0; i < manifest->chunk_count && !error; i++)
        error = load_chunk(shard, machine, &manifest->chunks[i]);
    if (!error && !machine->ops->load_is_complete(machine))
        error = ERR_MALFORMED;
    return error;
}

/* What is there and may not be read is no reason to give it up. */
static const char *advice_for(int error) {
    return disk_error_is_of_process(error)
               ? "check the rights on the files of the directory, and the limits of the process, "
                 "then start again"
               : "remove this node's directory and let it join again to get the data from its "
                 "peers";
}

static int load_snapshot(struct shard *shard, const struct shard_recovery *recovery,
                         struct raft_configuration *configuration, struct buffer *problem) {
    struct snapshot_manifest *manifest;
    int error =
        snapshot_manifest_read(shard->io->disk, shard->number, recovery->snapshot_index, &manifest);
    if (!error)
        error = shard_configuration_of(shard, &manifest->meta, configuration);
    if (!error)
        error = fill_machine(shard, shard->machine, manifest);
    if (error) {
        buffer_append_format(problem, "snapshot of shard %u at index %llu cannot be used: %s; %s",
                             shard->number, (unsigned long long)recovery->snapshot_index,
                             error_text(error), advice_for(error));
        snapshot_manifest_free(manifest);
        return error;
    }
    shard_stand_at(shard, &manifest->meta);
    snapshot_shelf_put(shard->shelf, manifest);
    return 0;
}

static void empty_machine(struct shard *shard) {
    struct machine *empty = shard->machine->ops->make_empty(shard->machine);
    shard->machine->ops->free(shard->machine);
    shard->machine = empty;
}

/* What a disk cannot read it may be able to read the second time: then nothing is given up. */
static int load_snapshot_patiently(struct shard *shard, const struct shard_recovery *recovery,
                                   struct raft_configuration *configuration,
                                   struct buffer *problem) {
    int error = load_snapshot(shard, recovery, configuration, problem);
    if (error != ERR_IO)
        return error;
    log_line(shard->io->log, LOG_WARN, "a snapshot could not be read; it is tried again",
             LOG_F("shard", shard->number), LOG_F("index", recovery->snapshot_index));
    buffer_clear(problem);
    empty_machine(shard);
    return load_snapshot(shard, recovery, configuration, problem);
}

static raft_term last_term(const struct shard_recovery *recovery) {
    return recovery->entry_count ? recovery->entries[recovery->entry_count - 1]->term
                                 : recovery->snapshot_term;
}

/* The snapshot cannot be read, so the replica begins again with nothing, bound by where its log
 * ended (docs/decisions/0019-damage-is-repaired.md). In a new term: a leader of the old one counts
 * on what was acknowledged to it. */
static void begin_again(struct shard *shard, struct shard_recovery *recovery) {
    raft_index index = next_index(recovery) - 1;
    raft_term term = last_term(recovery);
    bool is_above = term > recovery->floor_term ||
                    (term == recovery->floor_term && index > recovery->floor_index);
    if (!is_above) {
        index = recovery->floor_index;
        term = recovery->floor_term;
    }
    log_line(shard->io->log, LOG_ERROR,
             "a snapshot cannot be read: the replica gets its data from its peers",
             LOG_F("shard", shard->number), LOG_F("index", recovery->snapshot_index),
             LOG_F("floor_index", index), LOG_F("floor_term", term));
    shard_recovery_state(recovery, (term > recovery->term ? term : recovery->term) + 1, 0);
    shard_recovery_forget(recovery, index, term);
    wal_append_state(shard->io->wal, shard->number, recovery->term, 0);
    wal_append_forget(shard->io->wal, shard->number, index, term);
    empty_machine(shard);
    metric_add(shard->io->cells.snapshots_lost, 1);
}

/* Nothing of it is taken that could be wrong: what a disk cannot read, or gives back changed. */
static bool is_repairable(int error, const struct shard_options *options) {
    bool is_damage =
        error == ERR_DAMAGED || error == ERR_MALFORMED || error == ERR_IO || error == ERR_NOT_FOUND;
    return is_damage && options->has_peers;
}

/* The state of the snapshot, if the log has a mark of one, and its configuration. */
static int recover_snapshot(struct shard *shard, struct shard_recovery *recovery,
                            const struct shard_options *options,
                            struct raft_configuration *configuration, struct buffer *problem) {
    if (recovery->entry_count && recovery->entries[0]->index != recovery->snapshot_index + 1) {
        buffer_append_format(
            problem, "the log of shard %u begins at index %llu, but its snapshot ends at %llu",
            shard->number, (unsigned long long)recovery->entries[0]->index,
            (unsigned long long)recovery->snapshot_index);
        return ERR_DAMAGED;
    }
    if (recovery->snapshot_index == 0)
        return 0;
    int error = load_snapshot_patiently(shard, recovery, configuration, problem);
    if (!is_repairable(error, options))
        return error;
    buffer_clear(problem);
    begin_again(shard, recovery);
    return 0;
}

/* What the log said of the shard. The entries are raft's from then on. */
static void recover_log(const struct shard_recovery *recovery, const struct shard_options *options,
                        struct raft_recovered *recovered) {
    bool is_told_later = recovery->is_newcomer && recovery->snapshot_index == 0;
    if (is_told_later && !options->is_as_founded)
        recovered->configuration = (struct raft_configuration){0};
    recovered->floor_index = recovery->floor_index;
    recovered->floor_term = recovery->floor_term;
    recovered->term = recovery->term;
    recovered->vote = recovery->vote;
    recovered->snapshot_index = recovery->snapshot_index;
    recovered->snapshot_term = recovery->snapshot_term;
    recovered->entries = recovery->entries;
    recovered->entry_count = recovery->entry_count;
}

int shard_recover(struct shard *shard, struct shard_recovery *recovery,
                  const struct shard_options *options, struct buffer *problem) {
    struct raft_recovered recovered = {
        .configuration = options->founding,
        .now_us = shard_now_us(shard),
        .promise_us = shard->io->durable_promise_us ? *shard->io->durable_promise_us : 0,
    };
    if (recovery) {
        int error = recover_snapshot(shard, recovery, options, &recovered.configuration, problem);
        if (error)
            return error;
        recover_log(recovery, options, &recovered);
    }
    struct raft_options raft_options = {.self = options->self,
                                        .timing = shard_timing_of(shard),
                                        .seed = random_next(&shard->random),
                                        .log = options->io->log,
                                        .shard = options->number,
                                        .pair_of = options->io->pair_of,
                                        .pair_context = options->io->context};
    shard->raft = raft_new(&raft_options, &recovered);
    if (recovery)
        recovery->entry_count = 0; /* raft has the references now */
    return 0;
}
