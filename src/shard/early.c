/* Answers before the disk (durability async). On the leader the machine may run ahead of the commit
 * index, up to what a majority has received; those who asked for that are answered at once, all
 * others wait in hold.c until it is committed. Only a leader runs ahead. Whoever ran ahead of what
 * another leader then put in its place goes back: it builds its machine anew, from its snapshot and
 * the committed log.
 *
 *     snapshot <= commit index <= applied index <= early index <= last index
 */
#include <stdio.h>

#include "base/check.h"
#include "base/planted.h"
#include "shard/internal.h"

static uint64_t now_us(const struct shard *shard) {
    return shard->io.clock->monotonic_us(shard->io.clock);
}

static uint64_t async_us(const struct shard *shard) {
    return (uint64_t)shard->io.config->durability_async_ms * 1000;
}

/* The disk gets the other half. */
uint32_t shard_patience_us(const struct shard *shard) { return (uint32_t)(async_us(shard) / 2); }

bool shard_is_settled(const struct shard *shard) {
    return shard->applied_index <= raft_commit_index(shard->raft);
}

/* What was answered is to be on disk in time. Where the disk does not keep up, nothing further is
 * answered before it: so what can be lost is bounded though the disk stalls. */
static bool is_late(const struct shard *shard) {
    const struct ahead_mark *oldest = queue_front(&shard->ahead);
    return oldest && now_us(shard) > oldest->applied_us + async_us(shard);
}

raft_index shard_apply_limit(const struct shard *shard) {
    raft_index commit_index = raft_commit_index(shard->raft);
    bool may_run_ahead = shard->early_index > commit_index && shard_is_leader(shard) &&
                         !shard->is_settling && !shard_held_is_full(shard) && !is_late(shard) &&
                         shard_is_log_whole(shard);
    return may_run_ahead ? shard->early_index : commit_index;
}

void shard_ran_ahead(struct shard *shard) {
    if (!shard_is_settled(shard)) {
        *(struct ahead_mark *)queue_push(&shard->ahead) =
            (struct ahead_mark){.index = shard->applied_index, .applied_us = now_us(shard)};
    }
}

void shard_caught_up(struct shard *shard) {
    struct ahead_mark *mark;
    while ((mark = queue_front(&shard->ahead)) && mark->index <= raft_commit_index(shard->raft)) {
        queue_pop(&shard->ahead);
    }
}

/* An empty machine, or what the newest snapshot holds. */
static int rebuild(struct shard *shard) {
    struct machine *machine = shard->machine->ops->make_empty(shard->machine);
    const struct snapshot_manifest *newest = snapshot_shelf_newest(shard->shelf);
    struct snapshot_meta meta = newest ? newest->meta : (struct snapshot_meta){0};
    int error = newest ? shard_fill_machine(shard, machine, newest) : 0;
    if (error) {
        machine->ops->free(machine);
        return error;
    }
    shard->machine->ops->free(shard->machine);
    shard->machine = machine;
    machine->ops->watch(machine, &shard->watch);
    shard_stand_at(shard, &meta);
    return 0;
}

void shard_rewind(struct shard *shard, raft_index truncated_from) {
    if (truncated_from > shard->applied_index || PLANTED(REWIND_FORGOTTEN)) {
        return;
    }
    log_line(shard->io.log, LOG_WARN,
             "going back: writes that were answered before they were on disk did not survive",
             LOG_F("shard", shard->number), LOG_F("applied", shard->applied_index),
             LOG_F("from", truncated_from), LOG_F("commit", raft_commit_index(shard->raft)));
    metric_add(shard->cells.rewinds, 1);
    queue_truncate(&shard->ahead, 0);
    shard_give_up_held(shard);
    shard_give_up_cut(shard);
    int error = rebuild(shard);
    if (error) {
        char text[160];
        snprintf(text, sizeof(text),
                 "snapshot of shard %u at index %llu cannot be read to go back to it: %s",
                 shard->number, (unsigned long long)shard->snapshot_index, error_text(error));
        shard->io.fatal(shard->io.context, text);
        return;
    }
    raft_set_applied(shard->raft, shard->applied_index);
}
