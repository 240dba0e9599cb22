#include "shard/taken.h"

#include "shard/give.h"
#include "shard/snapshot/take.h"
#include "shard/step/rewind.h"

void shard_own_snapshot_durable(struct shard *shard, uint64_t wal_sequence) {
    struct own_snapshot *own = &shard->own;
    if (own->stage != OWN_MARKING || own->mark_sequence > wal_sequence)
        return;
    struct snapshot_meta meta = own->meta;
    shard->snapshot_index = meta.index;
    /* Less, if the machine went back meanwhile (rewind.c). */
    bool has_more = shard->applied_bytes > own->log_bytes;
    shard->applied_bytes = has_more ? shard->applied_bytes - own->log_bytes : 0;
    metric_add(shard->io->cells.snapshots_taken, 1);
    metric_observe(shard->io->cells.snapshot_time, shard_now_us(shard) - own->begun_us);
    log_line(shard->io->log, LOG_INFO, "snapshot taken", LOG_F("shard", shard->number),
             LOG_F("index", meta.index), LOG_F("term", meta.term),
             LOG_F("chunks", own->plan.chunk_count));
    snapshot_shelf_put(shard->shelf, own->manifest);
    own->manifest = NULL;
    shard_release_own(shard);
    wal_release(shard->io->wal, shard->number, meta.index);
    shard_rewind_to_newest(shard);
    shard_tidy_snapshots(shard);
    if (shard->io->snapshot_durable)
        shard->io->snapshot_durable(shard->io->context, shard);
    struct raft_event event = {
        .kind = RAFT_COMPACT, .snapshot_index = meta.index, .snapshot_term = meta.term};
    shard_give(shard, &event);
}
