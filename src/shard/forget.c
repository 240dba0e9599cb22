/* The memory of the log. What is applied here, durable here and known to all voters serves only
 * those who will need it later: a voter that lags when this replica comes to lead. So the newest
 * log-memory-bytes stay, and the rest is forgotten long before a snapshot lets it go from the disk.
 *
 *     snapshot <= forgotten <= applied index        on disk: all behind the snapshot
 *
 * Two still need the whole log behind the newest snapshot in memory: a leader that runs ahead of
 * the disks, to go back (early.c), and the archive of a backup, whoever leads then. */
#include "shard/internal.h"

/* So much more is held before any is let go: forgetting costs a walk. */
static uint64_t slack_bytes(uint64_t kept_bytes) { return kept_bytes / 4; }

bool shard_is_log_whole(const struct shard *shard) {
    return raft_first_index(shard->raft) <= shard->snapshot_index + 1;
}

void shard_note_early(struct shard *shard, uint64_t now_us) {
    shard->keep_log_until_us = now_us + SHARD_LOG_KEPT_US;
}

static bool is_whole_log_needed(const struct shard *shard) {
    bool is_early = shard->early_index > raft_commit_index(shard->raft);
    bool was_early = shard_now_us(shard) < shard->keep_log_until_us;
    return is_early || was_early || !shard_is_settled(shard) || shard->io.config->backup_to[0] != 0;
}

/* Not beyond a snapshot that is being taken so that the log behind it is whole again. */
void shard_forget_log(struct shard *shard) {
    uint64_t kept_bytes = (uint64_t)shard->io.config->log_memory_bytes;
    if (raft_log_bytes(shard->raft) <= kept_bytes + slack_bytes(kept_bytes) ||
        is_whole_log_needed(shard)) {
        return;
    }
    bool is_taking = shard->own.stage != OWN_NONE && shard->own.is_log_wanted;
    struct raft_event event = {.kind = RAFT_FORGET,
                               .forget_index =
                                   is_taking ? shard->own.meta.index : shard->applied_index,
                               .kept_bytes = kept_bytes};
    shard_step(shard, &event);
}
