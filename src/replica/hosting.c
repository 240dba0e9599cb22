#include "replica/hosting.h"

#include "base/memory.h"
#include "replica/leads/neighbours.h"
#include "replica/mail/outbox.h"
#include "replica/mail/packer.h"
#include "replica/mail/pairs.h"
#include "replica/shards/backups.h"
#include "replica/shards/freeing.h"
#include "replica/shards/scrub.h"
#include "replica/state/state.h"
#include "worker/worker.h"

void hosting_new(struct worker *worker) {
    struct hosting *hosting = memory_allocate_zeroed(1, sizeof *hosting);
    worker->hosting = hosting;
    heap_init(&hosting->timers.due);
    memset(hosting->timers.queued_us, 0xff, sizeof hosting->timers.queued_us);
    hosting->rounds.look_again_us = UINT64_MAX;
    packer_init(&hosting->packer);
    hosting->backups = backups_new();
    hosting->scrub = scrub_new(worker);
    hosting->freeing = freeing_new();
}

void hosting_free(struct worker *worker) {
    struct hosting *hosting = worker->hosting;
    backups_stop(worker);
    for (unsigned i = 0; i < WORKER_SHARD_MAXIMUM; i++) {
        shard_recovery_free(hosting->recoveries[i]);
        shard_free(worker->shards[i]);
    }
    if (worker->wal)
        wal_free(worker->wal);
    outbox_release(worker);
    pairs_release(worker);
    heap_release(&hosting->timers.due);
    topology_free(hosting->founding);
    neighbours_release(&hosting->neighbours);
    packer_release(&hosting->packer);
    backups_free(hosting->backups);
    scrub_free(hosting->scrub);
    freeing_free(hosting->freeing);
    memory_free(hosting);
}
