#include "shard/step/early.h"

#include "shard/state/look.h"
#include "shard/waiting/hold.h"

static uint64_t async_us(const struct shard *shard) {
    return (uint64_t)shard->io->config->durability_async_ms * 1000;
}

/* The disk gets the other half. */
uint32_t shard_patience_us(const struct shard *shard) { return (uint32_t)(async_us(shard) / 2); }

/* What was answered is to be on disk in time. Where the disk does not keep up, nothing further is
 * answered before it: so what can be lost is bounded though the disk stalls. */
static bool is_late(const struct shard *shard) {
    const struct ahead_mark *oldest = queue_front(&shard->early.ahead);
    return oldest && shard_now_us(shard) > oldest->applied_us + async_us(shard);
}

/* Of what may be applied while this goes back. */
static raft_index rewind_limit(const struct shard *shard) {
    raft_index commit_index = raft_commit_index(shard->raft);
    raft_index limit = shard_is_hollow(shard) ? shard->applied_index : shard->rewind.apply_to;
    return limit < commit_index ? limit : commit_index;
}

raft_index shard_apply_limit(const struct shard *shard) {
    if (shard_is_rewinding(shard))
        return rewind_limit(shard);
    raft_index commit_index = raft_commit_index(shard->raft);
    bool may_run_ahead = shard->early.index > commit_index && shard_leads(shard) &&
                         !shard->early.is_settling && !shard_held_is_full(shard) &&
                         !is_late(shard) && shard_is_log_whole(shard);
    return may_run_ahead ? shard->early.index : commit_index;
}

void shard_ran_ahead(struct shard *shard) {
    if (!shard_has_settled(shard)) {
        *(struct ahead_mark *)queue_push(&shard->early.ahead) =
            (struct ahead_mark){.index = shard->applied_index, .applied_us = shard_now_us(shard)};
    }
}

void shard_caught_up(struct shard *shard) {
    struct ahead_mark *mark;
    while ((mark = queue_front(&shard->early.ahead)) &&
           mark->index <= raft_commit_index(shard->raft))
        queue_pop(&shard->early.ahead);
}
