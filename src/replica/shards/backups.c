/* Backups on this worker: one store of blobs, opened when `backup-to` names one, and an archiver
 * for each shard that is led here. Whoever loses the lead drops his; the next leader reads from the
 * store how far it came. */
#include "replica/shards/backups.h"

#include <stdio.h>

#include "backup/archiver.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/text/hex.h"
#include "base/text/json.h"
#include "cluster/feature.h"
#include "replica/state/state.h"
#include "worker/worker.h"

enum { BACKUPS_CATALOGUE_BYTES_MAXIMUM = 8 << 20, BACKUPS_PLACE_BYTES = 3 * CONFIG_VALUE_MAXIMUM };
#define BACKUPS_PAUSE_US ((uint64_t)10 * 1000 * 1000)

struct backups {
    struct blob_store *store; /* NULL: none is open */
    char *place;              /* what it was opened with */
    struct archiver *archivers[WORKER_SHARD_MAXIMUM];
    unsigned archiver_count;
    struct archiver_sum sum;
    unsigned job_count; /* of catalogues */
    uint64_t retry_at_us;
    uint64_t catalogue_epoch; /* of the topology that was written down last */
    bool is_stopped;
};

struct backups *backups_new(void) {
    return memory_allocate_zeroed(1, sizeof(struct backups));
}

void backups_free(struct backups *backups) {
    CHECK(backups->archiver_count == 0 && !backups->store);
    memory_free(backups->place);
    memory_free(backups);
}

/* ---- the catalogue, for people: which cluster this is ---- */

struct catalogue_job {
    struct blob_job job;
    struct backups *backups;
    struct blob_store *store;
    const struct log *log;
    char name[BLOB_NAME_MAXIMUM];
    struct buffer text;
    struct blob_problem problem;
};

static void write_nodes(struct json *json, const struct topology *topology) {
    json_open(json, "nodes", '[');
    for (unsigned i = 0; i < topology->node_count; i++) {
        const struct topology_node *node = &topology->nodes[i];
        json_open(json, NULL, '{');
        json_number(json, "number", node->number);
        json_text(json, "host", node->address.host);
        json_number(json, "client_port", node->address.client_port);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void write_shards(struct json *json, const struct topology *topology) {
    json_open(json, "shards", '[');
    for (unsigned i = 0; i < topology->shard_count; i++) {
        const struct topology_shard *shard = &topology->shards[i];
        slot_number first, last;
        unsigned next = 0;
        json_open(json, NULL, '{');
        json_number(json, "number", shard->number);
        json_open(json, "slots", '[');
        while (slot_set_range(&shard->slots, &next, &first, &last)) {
            json_open(json, NULL, '[');
            json_number(json, NULL, first);
            json_number(json, NULL, last);
            json_close(json, ']');
        }
        json_close(json, ']');
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void write_catalogue(const struct topology *topology, uint64_t wall_ms, struct buffer *out) {
    struct json json = {.out = out};
    char id[HEX_TEXT_BYTES(BACKUP_CLUSTER_BYTES)];
    hex_write(topology->cluster_id, BACKUP_CLUSTER_BYTES, id);
    json_open(&json, NULL, '{');
    json_text(&json, "what", "backup of a TrothDB cluster; read it with `trothdb backup list`");
    json_text(&json, "cluster", id);
    json_number(&json, "written_ms", wall_ms);
    json_number(&json, "epoch", topology->epoch);
    write_nodes(&json, topology);
    write_shards(&json, topology);
    json_close(&json, '}');
    buffer_append_u8(out, '\n');
}

static int catalogue_run(struct blob_job *job) {
    struct catalogue_job *catalogue = (struct catalogue_job *)(void *)job;
    return catalogue->store->ops->put(catalogue->store, catalogue->name,
                                      buffer_bytes(&catalogue->text), &catalogue->problem);
}

static void catalogue_done(struct blob_job *job, int status) {
    struct catalogue_job *catalogue = (struct catalogue_job *)(void *)job;
    catalogue->backups->job_count--;
    if (status && !catalogue->backups->is_stopped) {
        catalogue->backups->catalogue_epoch = 0;
        log_line(catalogue->log, LOG_WARN, "the backup's catalogue was not written",
                 LOG_T("error", catalogue->problem.text));
    }
    buffer_release(&catalogue->text);
    memory_free(catalogue);
}

static void put_catalogue(struct worker *worker) {
    struct backups *backups = worker->hosting->backups;
    struct catalogue_job *catalogue = memory_allocate_zeroed(1, sizeof *catalogue);
    catalogue->job = (struct blob_job){.run = catalogue_run, .done = catalogue_done};
    catalogue->backups = backups;
    catalogue->store = backups->store;
    catalogue->log = worker->io.log;
    buffer_init(&catalogue->text, BACKUPS_CATALOGUE_BYTES_MAXIMUM);
    write_catalogue(worker->topology, worker_wall_ms(worker), &catalogue->text);
    backup_catalogue_name(worker->topology->cluster_id, catalogue->name);
    backups->catalogue_epoch = worker->topology->epoch;
    backups->job_count++;
    backups->store->ops->submit(backups->store, &catalogue->job);
}

/* The leader of the control shard writes it, whenever the topology has changed. */
static void tick_catalogue(struct worker *worker, uint64_t now) {
    struct backups *backups = worker->hosting->backups;
    bool is_wanted = worker->index == 0 && worker->shards[0] &&
                     shard_is_leader(worker->shards[0]) && backups->job_count == 0 &&
                     backups->catalogue_epoch != worker->topology->epoch;
    if (is_wanted && now >= backups->retry_at_us) {
        backups->retry_at_us = now + BACKUPS_PAUSE_US;
        put_catalogue(worker);
    }
}

/* ---- the store, and who archives to it ---- */

static void drop(struct backups *backups, uint32_t shard) {
    if (backups->archivers[shard]) {
        archiver_drop(backups->archivers[shard]);
        backups->archivers[shard] = NULL;
        backups->archiver_count--;
    }
}

static void close_store(struct backups *backups) {
    for (uint32_t i = 0; i < WORKER_SHARD_MAXIMUM && backups->archiver_count; i++)
        drop(backups, i);
    if (backups->store) {
        backups->store->ops->close(backups->store);
        backups->store = NULL;
    }
}

static void open_store(struct worker *worker, uint64_t now) {
    struct backups *backups = worker->hosting->backups;
    struct blob_problem problem = {{0}};
    int error =
        worker->io.open_blobs(worker->io.context, &worker->config, &backups->store, &problem);
    backups->catalogue_epoch = 0;
    backups->retry_at_us = 0;
    if (error) {
        backups->store = NULL;
        backups->retry_at_us = now + BACKUPS_PAUSE_US;
        log_line(worker->io.log, LOG_ERROR, "no backups are made", LOG_F("worker", worker->index),
                 LOG_T("error", problem.text));
        return;
    }
    log_line(worker->io.log, LOG_INFO, "backups are made", LOG_F("worker", worker->index),
             LOG_T("to", worker->config.backup_to));
}

/* The store is the one that the settings name, or none. */
static void follow_settings(struct worker *worker, uint64_t now) {
    struct backups *backups = worker->hosting->backups;
    const struct config *config = &worker->config;
    char place[BACKUPS_PLACE_BYTES];
    snprintf(place, sizeof place, "%s %s %s", config->backup_to, config->backup_endpoint,
             config->backup_region);
    bool is_changed = !backups->place || strcmp(backups->place, place) != 0;
    if (is_changed) {
        close_store(backups);
        memory_free(backups->place);
        backups->place = memory_copy_text(place);
        backups->retry_at_us = 0;
    }
    if (config->backup_to[0] && !backups->store && now >= backups->retry_at_us)
        open_store(worker, now);
}

static uint32_t recovery_of(const struct worker *worker, const struct shard *shard) {
    return feature_is_on(worker->topology, FEATURE_RECOVERED_BACKUPS)
               ? (uint32_t)raft_recovery_count(shard_raft(shard))
               : 0;
}

static struct archiver *make_archiver(struct worker *worker, const struct shard *shard) {
    struct backups *backups = worker->hosting->backups;
    uint32_t number = shard_number(shard);
    struct archiver_options options = {
        .place = {.shard = number, .recovery = recovery_of(worker, shard)},
        .store = backups->store,
        .disk = worker->io.disk,
        .clock = worker->io.clock,
        .log = worker->io.log,
        .metrics = worker->metrics,
        .config = &worker->config,
        .sum = &backups->sum};
    memcpy(options.place.cluster_id, worker->topology->cluster_id, BACKUP_CLUSTER_BYTES);
    backups->archivers[number] = archiver_new(&options);
    backups->archiver_count++;
    return backups->archivers[number];
}

/* It was recovered since, or may be told so only now. */
static bool is_elsewhere(const struct worker *worker, const struct shard *shard) {
    const struct archiver *archiver = worker->hosting->backups->archivers[shard_number(shard)];
    return archiver && archiver_place(archiver)->recovery != recovery_of(worker, shard);
}

void backups_tick(struct worker *worker) {
    struct backups *backups = worker->hosting->backups;
    if (!worker->io.open_blobs || !worker->topology || backups->is_stopped)
        return;
    uint64_t now = worker_now_us(worker);
    follow_settings(worker, now);
    if (!backups->store)
        return;
    tick_catalogue(worker, now);
    for (unsigned i = 0; i < worker->hosted_count; i++) {
        uint32_t number = worker->hosted[i];
        struct shard *shard = worker->shards[number];
        if (!shard_is_leader(shard) || is_elsewhere(worker, shard))
            drop(backups, number);
        if (!shard_is_leader(shard))
            continue;
        struct archiver *archiver = backups->archivers[number];
        archiver_tick(archiver ? archiver : make_archiver(worker, shard), shard);
    }
}

void backups_applied(struct worker *worker, struct shard *shard) {
    struct archiver *archiver = worker->hosting->backups->archivers[shard_number(shard)];
    if (archiver && shard_is_leader(shard) && !is_elsewhere(worker, shard))
        archiver_applied(archiver, shard);
}

void backups_shard_leaves(struct worker *worker, uint32_t shard) {
    drop(worker->hosting->backups, shard);
}

void backups_stop(struct worker *worker) {
    worker->hosting->backups->is_stopped = true;
    close_store(worker->hosting->backups);
}

bool backups_are_idle(const struct worker *worker) {
    return worker->hosting->backups->job_count == 0 && worker->hosting->backups->sum.job_count == 0;
}

void backups_tell(struct worker *worker, bool is_now, struct buffer *text) {
    for (unsigned i = 0; i < worker->hosted_count; i++) {
        uint32_t number = worker->hosted[i];
        struct shard *shard = worker->shards[number];
        struct archiver *archiver = worker->hosting->backups->archivers[number];
        struct archiver_status status = {0};
        if (!shard_is_leader(shard))
            continue;
        if (archiver && is_now)
            archiver_hurry(archiver, shard);
        if (archiver)
            archiver_status(archiver, &status);
        buffer_append_format(text, "%u %llu %llu %llu %llu %d\n", number,
                             (unsigned long long)shard_applied_index(shard),
                             (unsigned long long)status.archived_index,
                             (unsigned long long)status.snapshot_index,
                             (unsigned long long)status.hurry_index, status.has_failed);
    }
}
