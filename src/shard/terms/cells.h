/* What is counted of all shards of an owner alike: found once, counted without a look-up. */
#pragma once
#include "metric/metric.h"

struct shard_cells {
    struct metric_cell *proposals, *refused_not_leader, *refused_busy, *refused_no_space,
        *stamps_ahead, *batch_bytes, *batch_commands, *queue_time, *read_wait, *commit_time,
        *apply_time, *entries_applied, *reads_by_lease, *reads_by_quorum, *snapshots_taken,
        *snapshots_sent, *snapshots_installed, *snapshots_lost, *snapshot_bytes, *snapshot_time,
        *chunks_saved, *chunks_kept, *chunks_received, *chunks_reused, *transfer_sent_bytes,
        *transfer_received_bytes, *snapshot_loaded_bytes, *early_replies, *rewinds, *hedges,
        *comparisons, *differences;
};

/* Borrows from the registry. */
struct shard_cells shard_cells_of(struct metrics *metrics);
