#include "shard/step/forget.h"

#include "shard/state/look.h"

/* So much more is held before any is let go: forgetting costs a walk. */
static uint64_t slack_bytes(uint64_t kept_bytes) { return kept_bytes / 4; }

void shard_note_early(struct shard *shard, uint64_t now_us) {
    shard->early.keep_log_until_us = now_us + SHARD_LOG_KEPT_US;
}

static bool is_whole_log_needed(const struct shard *shard) {
    bool is_early = shard->early.index > raft_commit_index(shard->raft);
    bool was_early = shard_now_us(shard) < shard->early.keep_log_until_us;
    return is_early || was_early || !shard_has_settled(shard) ||
           shard->io->config->backup_to[0] != 0;
}

/* Not beyond a snapshot that is being taken so that the log behind it is whole again. */
bool shard_may_forget(const struct shard *shard, struct raft_event *event) {
    uint64_t kept_bytes = (uint64_t)shard->io->config->log_memory_bytes;
    if (raft_log_bytes(shard->raft) <= kept_bytes + slack_bytes(kept_bytes) ||
        is_whole_log_needed(shard))
        return false;
    uint64_t held_bytes = (uint64_t)shard->io->config->log_held_bytes;
    bool is_taking = shard->own.stage != OWN_NONE && shard->own.is_log_wanted;
    *event = (struct raft_event){.kind = RAFT_FORGET,
                                 .forget_index =
                                     is_taking ? shard->own.meta.index : shard->applied_index,
                                 .kept_bytes = kept_bytes,
                                 .held_bytes = held_bytes > kept_bytes ? held_bytes : kept_bytes};
    return true;
}
