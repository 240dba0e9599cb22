#include "sim/run/last_backup.h"
#include "sim/backup/archivist.h"
#include "sim/backup/recall.h"
#include "sim/run/course.h"
#include "sim/run/new_cluster.h"
#include "sim/world/clock.h"

enum {
    LAST_BACKUP_LIMIT_US = 60000000, /* the pause after failures may be half of that */
    LAST_BACKUP_PROMISES = 8,
    LAST_BACKUP_TIMES = 4
};

static bool is_all_archived(struct simulation *simulation, void *context) {
    (void)context;
    return archivist_has_all_archived(simulation->archivist);
}

static void archive_all(struct simulation *simulation) {
    struct buffer problem;
    buffer_init(&problem, SIM_FAILURE_MAXIMUM);
    if (!course_until_reached(simulation, LAST_BACKUP_LIMIT_US, is_all_archived, NULL)) {
        archivist_describe(simulation->archivist, &problem);
        simulation_fail(simulation, "not all was archived after the faults:%.*s",
                        BYTES_PRINT(buffer_bytes(&problem)));
    }
    buffer_release(&problem);
}

static void recall_promises(struct recall *recall) {
    struct simulation *simulation = recall->simulation;
    size_t count;
    const struct archive_promise *promises = archivist_promises(simulation->archivist, &count);
    for (unsigned i = 0; i < LAST_BACKUP_PROMISES && count > 0; i++) {
        const struct archive_promise *promise = &promises[random_below(&simulation->random, count)];
        recall_promise(recall, promise);
    }
}

static void recall_times(struct recall *recall) {
    struct simulation *simulation = recall->simulation;
    for (unsigned i = 0; i < LAST_BACKUP_TIMES; i++) {
        uint32_t shard = (uint32_t)random_between(&simulation->random, 1, simulation->shard_count);
        uint64_t after_ms = random_below(&simulation->random, simulation->queue.now_us / 1000);
        recall_time(recall, shard, SIM_WALL_START_MS + after_ms);
    }
}

static void recall_latest_of_all(struct recall *recall) {
    const struct simulation *simulation = recall->simulation;
    for (uint32_t shard = 1; shard <= simulation->shard_count; shard++)
        recall_latest(recall, shard, archivist_archived(simulation->archivist, shard));
}

void last_backup_check(struct simulation *simulation) {
    struct recall recall;
    if (simulation->blobs == NULL || simulation_has_failed(simulation))
        return;
    archive_all(simulation);
    if (simulation_has_failed(simulation))
        return;
    if (recall_init(&recall, simulation)) {
        recall_look_at_all(&recall);
        recall_promises(&recall);
        recall_times(&recall);
        recall_latest_of_all(&recall);
        if (!simulation_has_failed(simulation))
            new_cluster_check(&recall);
    }
    recall_release(&recall);
}
