#include "shard/terms/cells.h"

struct shard_cells shard_cells_of(struct metrics *metrics) {
    return (struct shard_cells){
        .proposals = metrics_cell(metrics, METRIC_proposals_total, NULL),
        .refused_not_leader = metrics_cell(metrics, METRIC_proposals_refused_total, "not-leader"),
        .refused_busy = metrics_cell(metrics, METRIC_proposals_refused_total, "busy"),
        .stamps_ahead = metrics_cell(metrics, METRIC_stamps_ahead_total, NULL),
        .refused_no_space = metrics_cell(metrics, METRIC_proposals_refused_total, "no-space"),
        .batch_bytes = metrics_cell(metrics, METRIC_batch_bytes, NULL),
        .batch_commands = metrics_cell(metrics, METRIC_batch_commands, NULL),
        .queue_time = metrics_cell(metrics, METRIC_proposal_queue_seconds, NULL),
        .read_wait = metrics_cell(metrics, METRIC_read_wait_seconds, NULL),
        .commit_time = metrics_cell(metrics, METRIC_commit_seconds, NULL),
        .apply_time = metrics_cell(metrics, METRIC_apply_seconds, NULL),
        .entries_applied = metrics_cell(metrics, METRIC_entries_applied_total, NULL),
        .reads_by_lease = metrics_cell(metrics, METRIC_reads_total, "lease"),
        .reads_by_quorum = metrics_cell(metrics, METRIC_reads_total, "quorum"),
        .snapshots_taken = metrics_cell(metrics, METRIC_snapshots_taken_total, NULL),
        .snapshots_sent = metrics_cell(metrics, METRIC_snapshots_sent_total, NULL),
        .snapshots_installed = metrics_cell(metrics, METRIC_snapshots_installed_total, NULL),
        .snapshots_lost = metrics_cell(metrics, METRIC_snapshots_lost_total, NULL),
        .snapshot_bytes = metrics_cell(metrics, METRIC_snapshot_bytes_total, NULL),
        .snapshot_time = metrics_cell(metrics, METRIC_snapshot_seconds, NULL),
        .hedges = metrics_cell(metrics, METRIC_append_hedges_total, NULL),
        .early_replies = metrics_cell(metrics, METRIC_async_replies_total, NULL),
        .rewinds = metrics_cell(metrics, METRIC_rewinds_total, NULL),
        .comparisons = metrics_cell(metrics, METRIC_replica_comparisons_total, NULL),
        .differences = metrics_cell(metrics, METRIC_replica_differences_total, NULL),
        .chunks_saved = metrics_cell(metrics, METRIC_snapshot_chunks_total, "saved"),
        .chunks_kept = metrics_cell(metrics, METRIC_snapshot_chunks_total, "kept"),
        .chunks_received = metrics_cell(metrics, METRIC_snapshot_chunks_total, "received"),
        .chunks_reused = metrics_cell(metrics, METRIC_snapshot_chunks_total, "reused"),
        .transfer_sent_bytes = metrics_cell(metrics, METRIC_snapshot_sent_bytes_total, NULL),
        .transfer_received_bytes =
            metrics_cell(metrics, METRIC_snapshot_received_bytes_total, NULL),
        .snapshot_loaded_bytes = metrics_cell(metrics, METRIC_snapshot_loaded_bytes_total, NULL),
    };
}
