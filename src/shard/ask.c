/* What clients ask of a shard. */
#include "base/check.h"
#include "shard/give.h"
#include "shard/propose.h"
#include "shard/read.h"
#include "shard/state/state.h"
#include "shard/waiting/proposed.h"
#include "shard/waiting/waits.h"

void shard_trace_next(struct shard *shard, struct bytes id) {
    CHECK(id.length <= PAYLOAD_TRACE_ID_MAXIMUM);
    shard->batch.next_trace = id;
}

/* What moves shards and nodes about may have to go on so that space is found. */
static bool has_space(const struct shard *shard) {
    enum wal_space space = wal_space(shard->io->wal);
    return space == WAL_SPACE_ENOUGH || (space == WAL_SPACE_SHORT && shard->number == 0);
}

int shard_propose(struct shard *shard, const struct bytes *arguments, size_t count,
                  struct shard_waiter waiter) {
    struct bytes trace = shard->batch.next_trace;
    shard->batch.next_trace = BYTES_NONE;
    if (payload_command_bytes(arguments, count) > SHARD_COMMAND_BYTES_MAXIMUM)
        return ERR_LIMIT;
    if (shard_is_leader(shard) && !has_space(shard)) {
        metric_add(shard->io->cells.refused_no_space, 1);
        return ERR_NO_SPACE;
    }
    int error = propose_command(shard, arguments, count, trace, waiter);
    shard_settle(shard);
    return error;
}

void shard_flush(struct shard *shard) {
    propose_batch(shard);
    shard_settle(shard);
}

int shard_read(struct shard *shard, const struct bytes *arguments, size_t count,
               struct shard_waiter waiter, unsigned flags) {
    int error = read_begin(shard, arguments, count, waiter, flags);
    shard_settle(shard);
    return error;
}

int shard_wait(struct shard *shard, const struct shard_wait_options *options,
               struct shard_waiter waiter) {
    if (!shard_is_leader(shard))
        return ERR_NOT_LEADER;
    if (queue_count(&shard->waits.pending) >= SHARD_WAIT_MAXIMUM)
        return ERR_BUSY;
    uint64_t now_us = shard_now_us(shard);
    bool is_endless = options->timeout_ms == 0 || options->timeout_ms > SHARD_WAIT_LONGEST_MS;
    uint64_t timeout_ms = is_endless ? SHARD_WAIT_LONGEST_MS : options->timeout_ms;
    *(struct pending_wait *)queue_push(&shard->waits.pending) =
        (struct pending_wait){.index = shard_next_index(shard),
                              .waiter = waiter,
                              .replicas = options->replicas,
                              .is_local = options->is_local,
                              .deadline_us = now_us + timeout_ms * 1000};
    if (options->replicas > raft_configuration(shard->raft)->voter_count / 2) {
        /* More than raft itself waits for. */
        struct raft_event event = {.kind = RAFT_HURRY, .hurry_index = shard_next_index(shard)};
        shard_give(shard, &event);
    }
    shard_answer_waits(shard);
    shard_touch(shard);
    return 0;
}
