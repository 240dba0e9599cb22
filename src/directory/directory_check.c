#include "directory/directory_check.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/memory.h"
#include "cluster/topology_file.h"
#include "directory/shard_check.h"
#include "directory/snapshot_check.h"
#include "store/record/format.h"
#include "store/recovery/verify.h"
#include "store/snapshot/names.h"
#include "worker/promise.h"

#define ADVICE_REPLACE                                                                             \
    "keep this directory for study and replace the node by a new one with an empty directory; "    \
    "its peers hold the data"
#define ADVICE_ALONE                                                                               \
    "keep a copy of this directory: no other node holds the data, so what cannot be read here is " \
    "lost"
#define ADVICE_IDENTITY "restore it from a copy, or begin with an empty directory"
#define ADVICE_COPY     "copy it from another node of the cluster"
#define ADVICE_RIGHTS                                                                              \
    "nothing is known of what it holds: check again as the user that the node runs as, or give "   \
    "the files back to that user"
#define ADVICE_WAIT                                                                                \
    "nothing needs to be done: once started, this node votes only after the longest promise that " \
    "there can be, a minute"

struct check {
    const struct directory_check_options *options;
    struct directory_report *report;
    struct disk *disks[DIRECTORY_WORKER_MAXIMUM];
    struct shard_check shards[DIRECTORY_SHARD_MAXIMUM];
    /* While the log of one worker is read. */
    unsigned worker;
    struct wal_verification verification;
    struct wal_bad last_bad;
};

/* ---- findings ---- */

static struct directory_finding *add_finding(struct check *check, const char *file,
                                             const char *advice, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static struct directory_finding *add_finding(struct check *check, const char *file,
                                             const char *advice, const char *format, ...) {
    struct directory_report *report = check->report;
    if (!report->findings) {
        report->findings =
            memory_allocate_zeroed(DIRECTORY_FINDING_MAXIMUM + 1, sizeof *report->findings);
    }
    report->finding_total++;
    /* The one behind the last is written to and never shown. */
    struct directory_finding *finding = &report->findings[report->finding_count];
    if (report->finding_count < DIRECTORY_FINDING_MAXIMUM)
        report->finding_count++;
    *finding = (struct directory_finding){.advice = advice};
    snprintf(finding->file, sizeof finding->file, "%s", file);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->what, sizeof finding->what, format, arguments);
    va_end(arguments);
    return finding;
}

static const char *data_advice(const struct check *check) {
    const struct topology *topology = check->report->topology;
    return topology && topology->node_count > 1 ? ADVICE_REPLACE : ADVICE_ALONE;
}

static const char *advice_for(int error, const char *otherwise) {
    return disk_error_is_of_process(error) ? ADVICE_RIGHTS : otherwise;
}

static void note_error(struct check *check, struct directory_finding *finding, int error) {
    finding->is_unread = disk_error_is_of_process(error);
    check->report->unread_total += finding->is_unread;
}

static void segment_file(const struct check *check, uint64_t segment,
                         char out[DIRECTORY_FILE_BYTES]) {
    char name[DISK_NAME_MAXIMUM];
    wal_segment_name(segment, name);
    snprintf(out, DIRECTORY_FILE_BYTES, "worker-%u/%s", check->worker, name);
}

/* ---- identity, founding, topology ---- */

static void check_identity(struct check *check) {
    struct directory_report *report = check->report;
    int error = identity_read(check->options->node_disk, &report->identity);
    report->has_identity = error == 0;
    if (error) {
        note_error(check,
                   add_finding(check, "identity", advice_for(error, ADVICE_IDENTITY),
                               "the node's identity: %s", error_text(error)),
                   error);
    }
}

static struct topology *read_topology(struct check *check, const char *name) {
    uint8_t *data;
    size_t length;
    struct topology *topology = NULL;
    int error =
        disk_read_all(check->options->node_disk, name, TOPOLOGY_FILE_BYTES_MAXIMUM, &data, &length);
    if (error == ERR_NOT_FOUND)
        return NULL;
    if (!error) {
        error = topology_file_decode(bytes_of(data, length), &topology);
        memory_free(data);
    }
    if (error) {
        note_error(check,
                   add_finding(check, name, advice_for(error, ADVICE_COPY),
                               "the topology cannot be used: %s", error_text(error)),
                   error);
        return NULL;
    }
    return topology;
}

static void check_topology(struct check *check) {
    struct directory_report *report = check->report;
    size_t before = report->finding_total;
    struct topology *founding = report->founding = read_topology(check, "founding");
    struct topology *topology = report->topology = read_topology(check, "topology");
    if (report->finding_total > before || (!founding && !topology))
        return; /* said already, or a spare that belongs to no cluster */
    if (!founding || !topology) {
        add_finding(check, founding ? "topology" : "founding", ADVICE_COPY,
                    "the file is missing, though its sister is there");
        return;
    }
    if (memcmp(founding->cluster_id, topology->cluster_id, sizeof founding->cluster_id) != 0)
        add_finding(check, "topology", ADVICE_COPY, "it is of another cluster than founding");
    if (topology->epoch < founding->epoch)
        add_finding(check, "topology", ADVICE_COPY, "it is older than founding");
    if (!report->has_identity || topology_node_by_uuid(topology, report->identity.uuid))
        return;
    report->is_removed = topology_removed_by_uuid(topology, report->identity.uuid) != NULL;
    if (!report->is_removed)
        add_finding(check, "topology", ADVICE_COPY, "this node is not in it");
}

/* ---- a worker's promise ---- */

static void check_promise(struct check *check, unsigned worker) {
    uint64_t promise_us;
    int error = promise_read(check->disks[worker], &promise_us);
    if (error == 0 || error == ERR_NOT_FOUND)
        return;
    char file[DIRECTORY_FILE_BYTES];
    snprintf(file, sizeof file, "worker-%u/%s", worker, PROMISE_FILE);
    note_error(check,
               add_finding(check, file, advice_for(error, ADVICE_WAIT),
                           "the promise to leaders cannot be read: %s", error_text(error)),
               error);
}

/* ---- a worker's log ---- */

/* An agent's identity says that there are none. */
static bool says_workers(const struct directory_report *report) {
    return report->has_identity && report->identity.worker_count != IDENTITY_AGENT;
}

static struct shard_check *shard_of(struct check *check, uint32_t shard) {
    bool is_here = shard < DIRECTORY_SHARD_MAXIMUM &&
                   (!says_workers(check->report) ||
                    shard % check->report->identity.worker_count == check->worker);
    if (is_here)
        return &check->shards[shard];
    char file[DIRECTORY_FILE_BYTES];
    segment_file(check, check->verification.segment, file);
    struct directory_finding *finding =
        add_finding(check, file, data_advice(check), "a record is of a shard of another worker");
    finding->has_offset = finding->has_shard = true;
    finding->offset = check->verification.offset;
    finding->shard = shard;
    return NULL;
}

static void tell_record(struct check *check, uint32_t shard, const char *wrong) {
    if (!wrong)
        return;
    char file[DIRECTORY_FILE_BYTES];
    segment_file(check, check->verification.segment, file);
    struct directory_finding *finding = add_finding(check, file, data_advice(check), "%s", wrong);
    finding->has_offset = finding->has_shard = true;
    finding->offset = check->verification.offset;
    finding->shard = shard;
}

static void tell_gap(struct check *check, uint32_t shard, const struct shard_check_gap *gap) {
    if (!gap->last_index)
        return;
    char file[DIRECTORY_FILE_BYTES];
    segment_file(check, check->last_bad.segment, file);
    struct directory_finding *finding =
        add_finding(check, file, advice_for(check->last_bad.error, data_advice(check)),
                    "entries that stood here cannot be read");
    note_error(check, finding, check->last_bad.error);
    finding->has_offset = finding->has_shard = true;
    finding->offset = check->last_bad.offset;
    finding->bytes = check->last_bad.bytes;
    finding->shard = shard;
    finding->first_index = gap->first_index;
    finding->last_index = gap->last_index;
}

static int visit_entry(void *context, uint32_t number, struct bytes encoded) {
    struct shard_check *shard = shard_of(context, number);
    if (shard) {
        struct shard_check_gap gap;
        const char *wrong = shard_check_entry(shard, encoded, &gap);
        tell_gap(context, number, &gap);
        tell_record(context, number, wrong);
    }
    return 0;
}
static int visit_truncate(void *context, uint32_t number, uint64_t from_index) {
    struct shard_check *shard = shard_of(context, number);
    if (shard)
        shard_check_truncate(shard, from_index);
    return 0;
}
static int visit_state(void *context, uint32_t number, uint64_t term, uint32_t vote) {
    struct shard_check *shard = shard_of(context, number);
    if (shard)
        tell_record(context, number, shard_check_state(shard, term, vote));
    return 0;
}
static int visit_snapshot(void *context, uint32_t number, uint64_t index, uint64_t term) {
    struct shard_check *shard = shard_of(context, number);
    if (shard)
        shard_check_snapshot(shard, index, term);
    return 0;
}

static int visit_forget(void *context, uint32_t number, uint64_t index, uint64_t term) {
    (void)index;
    (void)term;
    struct shard_check *shard = shard_of(context, number);
    if (shard)
        shard_check_forget(shard);
    return 0;
}

static void found_bad(void *context, const struct wal_bad *bad) {
    struct check *check = context;
    check->last_bad = *bad;
    char file[DIRECTORY_FILE_BYTES];
    segment_file(check, bad->segment, file);
    struct directory_finding *finding =
        add_finding(check, file, advice_for(bad->error, data_advice(check)), "%s", bad->what);
    note_error(check, finding, bad->error);
    finding->has_offset = bad->bytes > 0;
    finding->offset = bad->offset;
    finding->bytes = bad->bytes;
    bool is_entry =
        bad->has_header && bad->kind == WAL_ENTRY && bad->shard < DIRECTORY_SHARD_MAXIMUM;
    finding->has_shard = bad->has_header && bad->shard < DIRECTORY_SHARD_MAXIMUM;
    finding->shard = bad->shard;
    if (is_entry) {
        finding->first_index = finding->last_index = bad->index;
        shard_check_unreadable_entry(&check->shards[bad->shard], bad->index);
        return;
    }
    for (unsigned i = check->worker; i < DIRECTORY_SHARD_MAXIMUM; i += check->report->worker_count)
        check->shards[i].is_gap_known = true;
}

static void add_progress(void *context, uint64_t bytes) {
    struct check *check = context;
    check->report->bytes_done += bytes;
    if (check->options->progress)
        check->options->progress(check->options->context, check->report);
}

static void check_log(struct check *check, unsigned worker) {
    struct directory_worker *told = &check->report->workers[worker];
    struct wal_verification *result = &check->verification;
    struct wal_verifier verifier = {.visitor = {.entry = visit_entry,
                                                .truncate = visit_truncate,
                                                .state = visit_state,
                                                .snapshot = visit_snapshot,
                                                .forget = visit_forget,
                                                .context = check},
                                    .bad = found_bad,
                                    .progress = add_progress};
    check->worker = worker;
    int error = wal_verify(check->disks[worker], &verifier, result);
    char directory[DIRECTORY_FILE_BYTES];
    snprintf(directory, sizeof directory, "worker-%u", worker);
    if (error) {
        note_error(check,
                   add_finding(check, directory, "check the disk and the rights on the directory",
                               "the log cannot be read: %s", error_text(error)),
                   error);
    }
    bool is_member = check->report->founding || check->report->topology;
    if (!error && is_member && result->segment_count == 0 && result->bad_count == 0) {
        add_finding(check, directory, data_advice(check),
                    "the log is gone, and with it what this node promised");
    }
    *told = (struct directory_worker){.segment_count = result->segment_count,
                                      .record_count = result->record_count,
                                      .log_bytes = result->bytes,
                                      .is_torn = result->is_torn,
                                      .torn_offset = result->torn_offset,
                                      .torn_bytes = result->torn_bytes};
    segment_file(check, result->torn_segment, told->torn_file);
}

/* ---- a shard's snapshot ---- */

static void found_in_snapshot(void *context, const struct snapshot_bad *bad) {
    struct check *check = context;
    char file[DIRECTORY_FILE_BYTES];
    snprintf(file, sizeof file, "worker-%u/%s", bad->shard->worker, bad->file);
    struct directory_finding *finding =
        add_finding(check, file, advice_for(bad->error, data_advice(check)), "%s%s%s", bad->what,
                    bad->error ? ": " : "", bad->error ? error_text(bad->error) : "");
    note_error(check, finding, bad->error);
    finding->has_offset = bad->has_offset;
    finding->offset = bad->offset;
    finding->has_shard = true;
    finding->shard = bad->shard->number;
    finding->first_index = 1;
    finding->last_index = bad->shard->snapshot_index;
}

static void check_snapshot(struct check *check, struct directory_shard *shard) {
    struct snapshot_check snapshot = {
        .disk = check->disks[shard->worker],
        .shard = shard,
        .founding = check->report->founding,
        .found = found_in_snapshot,
        .progress = add_progress,
        .context = check,
    };
    snapshot_check(&snapshot);
}

static void check_shard(struct check *check, uint32_t number) {
    const struct shard_check *seen = &check->shards[number];
    struct directory_shard *shard = &check->report->shards[check->report->shard_count++];
    *shard = (struct directory_shard){.number = number,
                                      .worker = number % check->report->worker_count,
                                      .term = seen->term,
                                      .vote = seen->vote,
                                      .entry_count = seen->entry_count,
                                      .first_index = seen->first_index,
                                      .last_index = seen->last_index,
                                      .snapshot_index = seen->snapshot_index,
                                      .snapshot_term = seen->snapshot_term};
    const char *wrong = seen->is_gap_known ? NULL : shard_check_end(seen);
    if (wrong) {
        char file[DIRECTORY_FILE_BYTES];
        snprintf(file, sizeof file, "worker-%u", shard->worker);
        struct directory_finding *finding =
            add_finding(check, file, data_advice(check), "%s", wrong);
        finding->has_shard = true;
        finding->shard = number;
        finding->first_index = seen->snapshot_index + 1;
        finding->last_index = seen->first_index - 1;
    }
    if (shard->snapshot_index)
        check_snapshot(check, shard);
}

/* ---- which files there are ---- */

struct sizing {
    struct check *check;
    struct disk *disk;
};

static bool ends_in(const char *name, const char *end) {
    size_t length = strlen(name), end_length = strlen(end);
    return length > end_length && strcmp(name + length - end_length, end) == 0;
}

/* Made by the log, and with nothing of it in them. */
static bool is_empty_segment(const char *name) {
    uint64_t spare;
    return strcmp(name, WAL_RESERVE_NAME) == 0 || wal_spare_name_parse(name, &spare);
}

static void size_file(void *context, const char *name) {
    struct sizing *sizing = context;
    struct directory_report *report = sizing->check->report;
    uint64_t segment, bytes = 0;
    struct disk_file *file;
    if (ends_in(name, ".new") || wal_repaired_name_parse(name, &segment)) {
        report->leftover_count++;
        return;
    }
    if (is_empty_segment(name) || strcmp(name, PROMISE_FILE) == 0)
        return;
    if (strncmp(name, WAL_DAMAGED_PREFIX, strlen(WAL_DAMAGED_PREFIX)) == 0) {
        report->aside_count++;
        return;
    }
    struct snapshot_file snapshot;
    snapshot_file_parse(name, &snapshot);
    if (!wal_segment_name_parse(name, &segment) && snapshot.kind == SNAPSHOT_FILE_OTHER) {
        report->unknown_count++;
        return;
    }
    if (sizing->disk->ops->open(sizing->disk, name, DISK_OPEN_READ, &file) == 0) {
        if (sizing->disk->ops->size(file, &bytes) == 0)
            report->bytes_total += bytes;
        sizing->disk->ops->close(file);
    }
}

static void note_file(void *context, const char *name) {
    struct directory_report *report = ((struct check *)context)->report;
    bool is_known = strcmp(name, "identity") == 0 || strcmp(name, "founding") == 0 ||
                    strcmp(name, "topology") == 0;
    report->leftover_count += ends_in(name, ".new");
    report->unknown_count += !is_known && !ends_in(name, ".new");
}

static int open_workers(struct check *check) {
    struct directory_report *report = check->report;
    unsigned expected = report->has_identity ? report->identity.worker_count : 0;
    if (expected > DIRECTORY_WORKER_MAXIMUM)
        return ERR_LIMIT;
    for (unsigned i = 0; i < DIRECTORY_WORKER_MAXIMUM && (!expected || i < expected); i++) {
        int error = check->options->open_worker(check->options->context, i, &check->disks[i]);
        if (error == ERR_NOT_FOUND && !expected)
            break;
        if (error == ERR_NOT_FOUND) {
            char file[DIRECTORY_FILE_BYTES];
            snprintf(file, sizeof file, "worker-%u", i);
            add_finding(check, file, data_advice(check), "the directory is missing");
            check->disks[i] = NULL;
        } else if (error) {
            return error;
        }
        report->worker_count = i + 1;
    }
    if (report->worker_count && report->has_identity && !expected)
        add_finding(check, "identity", ADVICE_IDENTITY,
                    "it is an agent's, and there are logs of a node here");
    return report->worker_count ? 0 : ERR_NOT_FOUND;
}

static int size_workers(struct check *check) {
    int error = 0;
    for (unsigned i = 0; i < check->report->worker_count && !error; i++) {
        struct sizing sizing = {.check = check, .disk = check->disks[i]};
        if (sizing.disk)
            error = sizing.disk->ops->list(sizing.disk, size_file, &sizing);
    }
    struct disk *disk = check->options->node_disk;
    return error ? error : disk->ops->list(disk, note_file, check);
}

/* ---- all of it ---- */

/* A spare's log says nothing of any shard. */
static void check_belonging(struct check *check) {
    const struct directory_report *report = check->report;
    if (report->shard_count > 0 && !report->founding && !report->topology &&
        report->finding_total == 0) {
        add_finding(check, "topology", ADVICE_COPY,
                    "the file is missing, and so is founding: of which cluster is the log?");
    }
}

static int check_all(struct check *check) {
    check_identity(check);
    check_topology(check);
    int error = open_workers(check);
    if (!error)
        error = size_workers(check);
    if (error)
        return error;
    for (unsigned i = 0; i < check->report->worker_count; i++)
        if (check->disks[i]) {
            check_promise(check, i);
            check_log(check, i);
        }
    check->report->shards =
        memory_allocate_zeroed(DIRECTORY_SHARD_MAXIMUM, sizeof *check->report->shards);
    for (uint32_t i = 0; i < DIRECTORY_SHARD_MAXIMUM; i++)
        if (check->shards[i].is_seen)
            check_shard(check, i);
    check_belonging(check);
    return 0;
}

int directory_check(const struct directory_check_options *options,
                    struct directory_report *report) {
    *report = (struct directory_report){0};
    struct check *check = memory_allocate_zeroed(1, sizeof *check);
    check->options = options;
    check->report = report;
    int error = check_all(check);
    for (unsigned i = 0; i < DIRECTORY_SHARD_MAXIMUM; i++)
        shard_check_release(&check->shards[i]);
    memory_free(check);
    return error;
}

void directory_report_release(struct directory_report *report) {
    topology_free(report->founding);
    topology_free(report->topology);
    memory_free(report->shards);
    memory_free(report->findings);
    *report = (struct directory_report){0};
}
