#include "sim/backup/recall.h"
#include "base/check.h"
#include "shard/machine/keyspace_machine.h"
#include "sim/check/checks.h"
#include "sim/check/past.h"
#include "sim/check/situations.h"
#include "sim/cluster/node.h"
#include "sim/workload/workload.h"
#include "sim/world/blobs.h"
#include "wire/request.h"

enum { RECALL_REQUEST_BYTES = 4096, RECALL_REPLY_BYTES = 65536 };

bool recall_init(struct recall *recall, struct simulation *simulation) {
    *recall = (struct recall){.simulation = simulation,
                              .reader = {.store = sim_blobs_sound_door(simulation->blobs)}};
    int error =
        backup_catalogue_read(recall->reader.store, &recall->catalogue, &recall->reader.problem);
    if (error || recall->catalogue.cluster_count != 1)
        simulation_fail(simulation, "the store holds backups of %zu clusters: %s",
                        recall->catalogue.cluster_count, recall->reader.problem.text);
    return !simulation_has_failed(simulation);
}

void recall_release(struct recall *recall) { backup_catalogue_release(&recall->catalogue); }

/* ---- all blobs ---- */

/* Entries that went before they were archived leave a gap until the snapshot behind it. */
static void note_bad(void *context, const char *name, const char *what) {
    struct recall *recall = context;
    if (strstr(what, "what comes before it is missing") == NULL)
        simulation_fail(recall->simulation, "the backup is not sound: %s: %s", name, what);
}

void recall_look_at_all(struct recall *recall) {
    const struct cluster_backup *cluster = &recall->catalogue.clusters[0];
    for (size_t i = 0; i < cluster->shard_count; i++)
        if (backup_check_shard(&recall->reader, &cluster->shards[i], note_bad, recall))
            simulation_fail(recall->simulation, "the backup of shard %u cannot be looked at: %s",
                            cluster->shards[i].place.shard, recall->reader.problem.text);
}

/* ---- its keys ---- */

static void read_as_of(struct machine *machine, uint64_t time_ms, const struct operation *operation,
                       struct result *result) {
    struct request_parser parser;
    struct buffer request, answer, expired;
    struct response response;
    size_t consumed;
    request_parser_init(&parser, &(struct request_limits){.bulk_bytes = RECALL_REQUEST_BYTES,
                                                          .argument_count = RECALL_REQUEST_BYTES,
                                                          .inline_bytes = RECALL_REQUEST_BYTES});
    buffer_init(&request, RECALL_REQUEST_BYTES);
    buffer_init(&answer, RECALL_REPLY_BYTES);
    buffer_init(&expired, RECALL_REPLY_BYTES);
    operation_encode(operation, false, &request);
    CHECK(request_parse(&parser, buffer_bytes(&request), &consumed) == REQUEST_READY);
    struct machine_call call = {.arguments = parser.arguments,
                                .argument_count = parser.argument_count,
                                .applied_ms = time_ms,
                                .now_ms = time_ms};
    struct reply reply = {.out = &answer, .protocol = 2};
    machine->ops->read(machine, &call, &reply, &expired);
    CHECK(response_parse(buffer_bytes(&answer), &response, &consumed) == 1);
    operation_read_result(operation, &response, result);
    response_release(&response);
    buffer_release(&expired);
    buffer_release(&answer);
    buffer_release(&request);
    request_parser_release(&parser);
}

/* As if a client had read it then: see struct past_moment. */
static void read_keys(struct recall *recall, uint32_t shard, const struct replay *replay,
                      const struct past_moment *moment) {
    struct simulation *simulation = recall->simulation;
    const struct topology *topology = sim_topology(simulation);
    for (unsigned place = 0; topology && place < WORKLOAD_PLACE_COUNT; place++) {
        struct operation operation = workload_whole_read(place);
        struct result result;
        if (sim_operation_shard(topology, &operation) != shard)
            continue;
        read_as_of(replay->machine, replay->time_ms, &operation, &result);
        operation.client = OPERATION_OF_BACKUP;
        operation.invoked_us = moment->logged_us;
        uint64_t number = history_invoke(&simulation->history, &operation);
        history_return(&simulation->history, number, moment->committed_us + 1, &result);
    }
}

/* ---- a moment ---- */

/* What is asked for, and whether a refusal is wrong. */
struct wanted {
    uint32_t shard;
    struct replay_target target;
    bool is_owed;
};

static void check_data(struct recall *recall, const struct wanted *wanted,
                       const struct replay *replay) {
    uint64_t hash = replay->machine->ops->hash(replay->machine) | 1;
    uint64_t known = checks_state(recall->simulation, wanted->shard, replay->index);
    if (known && known != hash)
        simulation_fail(recall->simulation,
                        "shard %u, brought back to index %llu, holds other data than it held then",
                        wanted->shard, (unsigned long long)replay->index);
}

static void check_moment(struct recall *recall, const struct wanted *wanted,
                         const struct replay *replay) {
    struct past_moment moment;
    if (replay->index == 0)
        return; /* before its first entry */
    if (!past_at(recall->simulation, wanted->shard, replay->index, &moment)) {
        simulation_fail(recall->simulation,
                        "the backup of shard %u holds index %llu, which was never committed",
                        wanted->shard, (unsigned long long)replay->index);
        return;
    }
    check_data(recall, wanted, replay);
    read_keys(recall, wanted->shard, replay, &moment);
}

static const struct shard_backup *backup_for(const struct recall *recall,
                                             const struct wanted *wanted) {
    return cluster_backup_shard_at(&recall->catalogue.clusters[0], wanted->shard, &wanted->target);
}

/* From a place that the shard has left since it was recovered? */
static bool is_former(const struct recall *recall, const struct wanted *wanted) {
    return backup_for(recall, wanted) !=
           cluster_backup_shard(&recall->catalogue.clusters[0], wanted->shard);
}

/* From a place that the shard has left since it was recovered, and in which it may have been given
 * up then? What was archived of that is what it was, and nothing else is known of it any more. */
static bool is_given_up(const struct recall *recall, const struct wanted *wanted, uint64_t index) {
    return is_former(recall, wanted) &&
           past_is_given_up(recall->simulation, wanted->shard, index, 0);
}

static int bring_back(struct recall *recall, const struct wanted *wanted, struct replay *replay) {
    recall->reader.problem.text[0] = '\0';
    replay_init(replay, keyspace_machine_new(1, NULL), &wanted->target);
    return backup_read_to_target(&recall->reader, &recall->catalogue.clusters[0], wanted->shard,
                                 replay);
}

static void let_go(struct replay *replay) {
    replay->machine->ops->free(replay->machine);
    replay_release(replay);
}

/* Returns the index that the shard came to; UINT64_MAX: it was refused. */
static uint64_t recall_moment(struct recall *recall, const struct wanted *wanted) {
    struct simulation *simulation = recall->simulation;
    struct replay replay;
    int error = bring_back(recall, wanted, &replay);
    uint64_t index = error ? UINT64_MAX : replay.index;
    if (error && (wanted->is_owed || error != ERR_NOT_FOUND))
        simulation_fail(simulation, "shard %u cannot be brought back to index %lld, time %lld: %s",
                        wanted->shard, (long long)wanted->target.index,
                        (long long)wanted->target.time_ms, recall->reader.problem.text);
    if (!error && !is_given_up(recall, wanted, replay.index))
        check_moment(recall, wanted, &replay);
    if (!error && past_recovery_count(simulation, wanted->shard) > 0)
        situations_recovered_brought_back(simulation);
    simulation->statistics.moments_recalled += !error;
    simulation->statistics.moments_refused += error != 0;
    let_go(&replay);
    return index;
}

static void check_index(struct recall *recall, uint32_t shard, uint64_t index, uint64_t expected) {
    if (index != UINT64_MAX && index != expected)
        simulation_fail(recall->simulation,
                        "shard %u was brought back to index %llu instead of %llu", shard,
                        (unsigned long long)index, (unsigned long long)expected);
}

/* By real time, whatever the leaders' clocks said; a clock that went ahead of all before it may
 * have cost an interval of what is kept (decision 0066). Only commands have a time of their own:
 * the moments are theirs. */
static bool is_kept(const struct simulation *simulation, uint32_t shard, uint64_t index) {
    const struct config *config = &simulation->config;
    struct past_moment moment;
    if (!past_at(simulation, shard, index, &moment) || moment.stamp_ms < SIM_WALL_START_MS)
        return false;
    uint64_t interval_ms = (uint64_t)config->backup_snapshot_interval_seconds * 1000;
    uint64_t lost_ms = past_leaps_ms(simulation, shard, interval_ms);
    uint64_t stamped_ms = moment.stamp_ms - SIM_WALL_START_MS, logged_ms = moment.logged_us / 1000;
    uint64_t at_ms = stamped_ms < logged_ms ? stamped_ms : logged_ms;
    return at_ms + (uint64_t)config->backup_keep_seconds * 1000 >
           simulation->queue.now_us / 1000 + lost_ms;
}

bool recall_promise(struct recall *recall, const struct archive_promise *promise) {
    const uint32_t shard = promise->shard;
    if (past_is_given_up(recall->simulation, shard, promise->index, promise->recovery_count))
        return false;
    struct wanted wanted = {.shard = shard,
                            .target = {.index = promise->index, .time_ms = UINT64_MAX},
                            .is_owed = is_kept(recall->simulation, shard, promise->index)};
    uint64_t reached = recall_moment(recall, &wanted);
    check_index(recall, shard, reached, promise->index);
    return reached != UINT64_MAX;
}

/* What was committed a moment ago may not be archived yet. */
bool recall_time(struct recall *recall, uint32_t shard, uint64_t time_ms) {
    struct wanted wanted = {.shard = shard, .target = {.index = UINT64_MAX, .time_ms = time_ms}};
    uint64_t reached = recall_moment(recall, &wanted);
    uint64_t expected = past_index_at(recall->simulation, shard, time_ms);
    uint64_t archived = archivist_archived(recall->simulation->archivist, shard);
    bool is_known = expected != UINT64_MAX && !is_given_up(recall, &wanted, reached) &&
                    !is_given_up(recall, &wanted, expected + 1);
    if (is_known && (reached > expected || reached < archived))
        check_index(recall, shard, reached, expected);
    return reached != UINT64_MAX;
}

void recall_latest(struct recall *recall, uint32_t shard, uint64_t least_index) {
    struct wanted wanted = {.shard = shard, .target = REPLAY_LATEST, .is_owed = true};
    uint64_t reached = recall_moment(recall, &wanted);
    if (reached < least_index)
        check_index(recall, shard, reached, least_index);
}

uint64_t recall_hash(struct recall *recall, uint32_t shard, uint64_t index) {
    struct wanted wanted = {.shard = shard, .target = {.index = index, .time_ms = UINT64_MAX}};
    struct replay replay;
    int error = bring_back(recall, &wanted, &replay);
    uint64_t hash = error ? 0 : replay.machine->ops->hash(replay.machine);
    let_go(&replay);
    return hash;
}
