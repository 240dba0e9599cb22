#include "shard/waiting/waits.h"

static uint32_t replicas_with(const struct shard *shard, raft_index index) {
    const struct raft_configuration *members = raft_configuration(shard->raft);
    uint32_t count = 0;
    for (unsigned i = 0; i < members->voter_count; i++) {
        count += members->voters[i] != shard->self &&
                 raft_match_index(shard->raft, members->voters[i]) >= index;
    }
    return count;
}

static void answer(struct shard *shard, const struct pending_wait *wait) {
    struct shard_waiter waiter = wait->waiter;
    struct reply reply = {.out = &shard->scratch, .protocol = 2};
    reply_array(&reply, 2);
    reply_integer(&reply, raft_match_index(shard->raft, shard->self) >= wait->index);
    reply_integer(&reply, replicas_with(shard, wait->index));
    shard->io->reply(shard->io->context, shard, &waiter, SHARD_DONE, buffer_bytes(&shard->scratch));
    buffer_clear(&shard->scratch);
}

static bool is_fulfilled(const struct shard *shard, const struct pending_wait *wait) {
    return raft_commit_index(shard->raft) >= wait->index &&
           replicas_with(shard, wait->index) >= wait->replicas &&
           (!wait->is_local || raft_match_index(shard->raft, shard->self) >= wait->index);
}

static void keep_deadline(struct shard *shard, uint64_t deadline_us) {
    if (deadline_us < shard->waits.deadline_us)
        shard->waits.deadline_us = deadline_us;
}

void shard_answer_waits(struct shard *shard) {
    size_t count = queue_count(&shard->waits.pending);
    shard->waits.deadline_us = UINT64_MAX;
    if (count == 0)
        return;
    uint64_t now_us = shard_now_us(shard);
    for (size_t i = 0; i < count; i++) {
        struct pending_wait wait = *(struct pending_wait *)queue_front(&shard->waits.pending);
        queue_pop(&shard->waits.pending);
        if (is_fulfilled(shard, &wait) || now_us >= wait.deadline_us) {
            answer(shard, &wait);
        } else {
            *(struct pending_wait *)queue_push(&shard->waits.pending) = wait;
            keep_deadline(shard, wait.deadline_us);
        }
    }
}

/* No longer leader: nobody here knows how far it will come. */
void shard_refuse_waits(struct shard *shard) {
    while (queue_count(&shard->waits.pending)) {
        struct shard_waiter waiter =
            ((struct pending_wait *)queue_front(&shard->waits.pending))->waiter;
        queue_pop(&shard->waits.pending);
        shard->io->reply(shard->io->context, shard, &waiter, SHARD_NOT_EXECUTED, BYTES_NONE);
    }
}
