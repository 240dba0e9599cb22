/* Stopping in good order: the leads are given away, and what was proposed here is told to who waits
 * for it. */
#include "node/drain.h"

#include "node/node.h"
#include "replica/leads/standing.h"
#include "replica/shards/backups.h"
#include "worker/worker.h"

enum { DRAIN_HAND_OVER_US = 1000 * 1000 /* leads that nobody took by then are kept */ };

/* Tried again as long as it lasts: a successor may fail, or hand leadership back. */
void drain_tick(struct worker *worker) {
    for (unsigned i = 0; i < worker->hosted_count; i++)
        if (shard_is_leader(worker->shards[worker->hosted[i]]))
            shard_transfer(worker->shards[worker->hosted[i]], 0, "draining");
}

void worker_drain(struct worker *worker) {
    worker->is_draining = true;
    standing_set(worker, STANDING_DRAINING, true);
    backups_stop(worker);
    worker->drain_until_us = worker_now_us(worker) + DRAIN_HAND_OVER_US;
    drain_tick(worker);
}

static bool is_alone(const struct worker *worker) {
    return !worker->topology || worker->topology->node_count == 1;
}

/* Leadership is handed over for a while, not for ever: when all nodes stop together there is nobody
 * to take it. */
bool worker_is_drained(const struct worker *worker) {
    bool is_late = worker_now_us(worker) >= worker->drain_until_us;
    bool must_hand_over = !is_alone(worker) && !is_late;
    if (is_late && wal_is_stalled(worker->wal))
        return true; /* what waits for space on the disk was promised to nobody */
    for (unsigned i = 0; i < worker->hosted_count; i++) {
        const struct shard *shard = worker->shards[worker->hosted[i]];
        if (shard_pending_count(shard) || (shard_is_leader(shard) && must_hand_over))
            return false;
    }
    return wal_is_idle(worker->wal) && backups_are_idle(worker);
}
