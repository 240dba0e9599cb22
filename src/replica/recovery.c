/* What a worker finds at start: its log is read from end to end, each record goes to the recovery
 * of its shard, and the shards are made of those later (topology/replicas.c). Shard n is on worker
 * n mod workers: a record of any other is damage. */
#include "replica/recovery.h"

#include "replica/state/state.h"
#include "replica/topology/control.h"
#include "worker/settings.h"
#include "worker/worker.h"

/* ---- what the log tells ---- */

static struct shard_recovery *recovery_of(struct worker *worker, uint32_t shard) {
    if (shard >= WORKER_SHARD_MAXIMUM || shard % worker->count != worker->index)
        return NULL;
    if (!worker->hosting->recoveries[shard])
        worker->hosting->recoveries[shard] = shard_recovery_new(shard);
    return worker->hosting->recoveries[shard];
}

/* Of a shard that is not of this worker the records are refused. */
static void recover_covered(void *context, uint32_t shard, uint64_t index) {
    struct shard_recovery *recovery = recovery_of(context, shard);
    if (recovery)
        shard_recovery_cover(recovery, index);
}

static int recover_entry(void *context, uint32_t shard, struct bytes encoded) {
    struct shard_recovery *recovery = recovery_of(context, shard);
    return recovery ? shard_recovery_entry(recovery, encoded) : ERR_DAMAGED;
}

static int recover_truncate(void *context, uint32_t shard, uint64_t from_index) {
    struct shard_recovery *recovery = recovery_of(context, shard);
    if (recovery)
        shard_recovery_truncate(recovery, from_index);
    return recovery ? 0 : ERR_DAMAGED;
}

static int recover_state(void *context, uint32_t shard, uint64_t term, uint32_t vote) {
    struct shard_recovery *recovery = recovery_of(context, shard);
    if (recovery)
        shard_recovery_state(recovery, term, vote);
    return recovery ? 0 : ERR_DAMAGED;
}

static int recover_mark(struct worker *worker, uint32_t shard, uint64_t index, uint64_t term,
                        void (*mark)(struct shard_recovery *recovery, uint64_t index,
                                     uint64_t term)) {
    struct shard_recovery *recovery = recovery_of(worker, shard);
    if (recovery)
        mark(recovery, index, term);
    return recovery ? 0 : ERR_DAMAGED;
}

static int recover_snapshot(void *context, uint32_t shard, uint64_t index, uint64_t term) {
    return recover_mark(context, shard, index, term, shard_recovery_snapshot);
}

static int recover_forget(void *context, uint32_t shard, uint64_t index, uint64_t term) {
    return recover_mark(context, shard, index, term, shard_recovery_forget);
}

static int recover_floor(void *context, uint32_t shard, uint64_t index, uint64_t term) {
    return recover_mark(context, shard, index, term, shard_recovery_floor);
}

/* ---- what it lost ---- */

static bool repair_may_lose(void *context, uint32_t shard) {
    return control_has_peers(context, shard);
}

static void repair_restart(void *context) {
    struct worker *worker = context;
    for (unsigned i = 0; i < WORKER_SHARD_MAXIMUM; i++) {
        shard_recovery_free(worker->hosting->recoveries[i]);
        worker->hosting->recoveries[i] = NULL;
    }
}

static void note_repaired(struct worker *worker) {
    const struct wal_repaired *repaired = wal_repaired(worker->wal);
    if (repaired->gap_count == 0)
        return;
    worker_count(worker, METRIC_wal_gaps_repaired_total, repaired->gap_count);
    log_line(worker->io.log, LOG_WARN, "the log was repaired; what was damaged is set aside",
             LOG_F("worker", worker->index), LOG_F("gaps", repaired->gap_count),
             LOG_F("shards", repaired->shard_count));
}

static void wal_failed(void *context, int error, const char *what) {
    struct worker *worker = context;
    log_line(worker->io.log, LOG_ERROR,
             "the log cannot be made durable; this node ends now, and what it has not "
             "acknowledged is not lost by that",
             LOG_T("error", error_text(error)), LOG_T("what", what));
    worker_fatal(worker, "write-ahead log failed");
}

bool recovery_has_replicas(const struct worker *worker) {
    for (unsigned i = 0; i < WORKER_SHARD_MAXIMUM; i++)
        if (worker->hosting->recoveries[i])
            return true;
    return false;
}

int recovery_run(struct worker *worker, void (*on_durable)(void *worker, uint64_t sequence),
                 struct buffer *problem) {
    struct wal_repairer repairer = {.may_lose = repair_may_lose,
                                    .entry_term = shard_entry_term,
                                    .restart = repair_restart,
                                    .context = worker};
    struct wal_options options = {.disk = worker->io.disk,
                                  .clock = worker->io.clock,
                                  .tuning = settings_wal_tuning(&worker->config),
                                  .seed = random_next(&worker->random),
                                  .log = worker->io.log,
                                  .has_digests = true,
                                  .repairer = &repairer,
                                  .on_durable = on_durable,
                                  .on_failure = wal_failed,
                                  .context = worker};
    struct wal_visitor visitor = {.covered = recover_covered,
                                  .entry = recover_entry,
                                  .truncate = recover_truncate,
                                  .state = recover_state,
                                  .snapshot = recover_snapshot,
                                  .forget = recover_forget,
                                  .floor = recover_floor,
                                  .context = worker};
    struct wal_problem wal_problem = {{0}};
    int error = wal_open(&options, &visitor, &worker->wal, &wal_problem);
    if (error) {
        buffer_append_format(problem, "%s",
                             wal_problem.text[0] ? wal_problem.text : error_text(error));
        return error;
    }
    note_repaired(worker);
    return 0;
}
