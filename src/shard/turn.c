/* When the commands of a turn become an entry. */
#include "shard/shard.h"
#include "shard/state/state.h"

/* Nagle's algorithm by the disk's clock: while this leader's last entry is still being made durable
 * here and is not committed either, a smaller one behind it would only cost each node a message and
 * a round of its own. Whatever ends that wait also brings a turn. A slow disk of the leader alone
 * does not slow the shard: the followers' commit ends the wait too. Who is answered before the disk
 * waits for the network only, and nobody for a disk that takes its time. */
bool shard_is_awaited(const struct shard *shard) {
    if (queue_count(&shard->saves.pending) == 0 || raft_uncommitted_bytes(shard->raft) == 0)
        return false;
    raft_index last_index = raft_last_index(shard->raft);
    bool is_patient = raft_entry_at(shard->raft, last_index)->patience_us > 0;
    return shard->batch.async_count > 0 ? shard->early.index < last_index : !is_patient;
}

uint32_t shard_gathered_count(const struct shard *shard) {
    return shard->batch.async_count + shard->batch.sync_count;
}

uint32_t shard_under_way_count(const struct shard *shard) {
    return shard->proposed.asked_count - shard_gathered_count(shard);
}

enum {
    GATHER_LONGEST_US = 100000
}; /* then what is awaited is stuck: who asks is to hear of that */

/* Where many ask at a time and the followers are no farther than the disk, a small batch waits for
 * the commit and not for the disk alone: what each of its commands waits longer is less than what
 * all of them gain by a round fewer (docs/decisions/0049). Until when; 0: it does not. */
static uint64_t waits_for_commit_until_us(const struct shard *shard) {
    size_t entry_count = queue_count(&shard->proposed.entries);
    if (entry_count == 0 || shard->batch.count == 0 || shard->batch.async_count > 0 ||
        shard_batch_bytes(shard) >= SHARD_CROWD_BYTES_MAXIMUM ||
        raft_uncommitted_bytes(shard->raft) == 0)
        return 0;
    const struct pending_entry *last = queue_at(&shard->proposed.entries, entry_count - 1);
    return last->waiter_count >= SHARD_CROWD_COMMANDS ? raft_commit_overdue_us(shard->raft) : 0;
}

uint64_t shard_batch_due_us(const struct shard *shard) {
    if (shard->batch.count == 0)
        return UINT64_MAX;
    uint64_t due_us = waits_for_commit_until_us(shard);
    uint64_t longest_us = shard->batch.begun_us + GATHER_LONGEST_US;
    return due_us > 0 && due_us < longest_us ? due_us : longest_us;
}

static bool may_gather_on(const struct shard *shard, enum shard_company company) {
    if (company == SHARD_HELD && shard->batch.async_count == 0)
        return true;
    bool is_waiting = shard_now_us(shard) < waits_for_commit_until_us(shard);
    return shard_is_awaited(shard) || (company == SHARD_ALONE && is_waiting);
}

void shard_end_turn(struct shard *shard, enum shard_company company) {
    bool is_over = shard_now_us(shard) >= shard->batch.begun_us + GATHER_LONGEST_US;
    if (is_over || !may_gather_on(shard, company))
        shard_flush(shard);
}
