#include "shard/waiting/proposed.h"

#include "shard/state/trace.h"

raft_index shard_next_index(const struct shard *shard) {
    return raft_last_index(shard->raft) + (shard->batch.count ? 1 : 0);
}

void shard_clear_batch(struct shard *shard) {
    buffer_clear(&shard->batch.commands);
    shard->batch.count = shard->batch.async_count = shard->batch.sync_count = 0;
    shard->batch.trace_count = 0;
    buffer_clear(&shard->batch.traces);
}

struct shard_waiter shard_take_waiter(struct shard *shard) {
    struct shard_waiter waiter = *(struct shard_waiter *)queue_front(&shard->proposed.waiters);
    queue_pop(&shard->proposed.waiters);
    shard->proposed.asked_count -= waiter.target != NULL;
    return waiter;
}

/* Whoever waits for the batch to be applied knows it by its index. */
void shard_batch_moved(struct shard *shard, raft_index from, raft_index by) {
    for (size_t i = 0; i < queue_count(&shard->reads.pending); i++) {
        struct pending_read *read = queue_at(&shard->reads.pending, i);
        if (read->index >= from)
            read->index += by;
    }
    for (size_t i = 0; i < queue_count(&shard->waits.pending); i++) {
        struct pending_wait *wait = queue_at(&shard->waits.pending, i);
        if (wait->index >= from)
            wait->index += by;
    }
    if (shard->expiry_index >= from)
        shard->expiry_index += by;
}

/* ---- told ---- */

static void tell(struct shard *shard, size_t position, enum shard_outcome outcome) {
    struct shard_waiter *slot = queue_at(&shard->proposed.waiters, position);
    struct shard_waiter waiter = *slot;
    slot->target = NULL;
    shard->proposed.asked_count -= waiter.target != NULL;
    if (waiter.target)
        shard->io->reply(shard->io->context, shard, &waiter, outcome, BYTES_NONE);
}

/* Entries of an earlier leadership that stood at or behind `index` were truncated since: another
 * leader may hold them and commit them yet (CBTR figure 3.7), so nobody here knows. Their place in
 * the queue stays, told and without an index, until they come to its front. They are its last ones:
 * the others stand in order of their index. */
void shard_give_up_overtaken(struct shard *shard, raft_index index) {
    size_t position = queue_count(&shard->proposed.waiters) - shard->batch.count;
    for (size_t i = queue_count(&shard->proposed.entries); i > 0; i--) {
        struct pending_entry *entry = queue_at(&shard->proposed.entries, i - 1);
        if (entry->index != 0 && entry->index < index)
            return;
        position -= entry->waiter_count;
        if (entry->index != 0 && !entry->is_given_up)
            for (uint32_t w = 0; w < entry->waiter_count; w++)
                tell(shard, position + w, SHARD_UNKNOWN);
        entry->is_given_up = true;
        entry->index = 0;
    }
}

void shard_drop_overtaken(struct shard *shard) {
    struct pending_entry *pending;
    while ((pending = queue_front(&shard->proposed.entries)) && pending->index == 0) {
        for (uint32_t i = 0; i < pending->waiter_count; i++)
            queue_pop(&shard->proposed.waiters);
        queue_pop(&shard->proposed.entries);
    }
}

static void refuse_last_waiters(struct shard *shard, uint32_t count) {
    size_t first = queue_count(&shard->proposed.waiters) - count;
    for (uint32_t i = 0; i < count; i++)
        tell(shard, first + i, SHARD_NOT_EXECUTED);
    queue_truncate(&shard->proposed.waiters, first);
    if (shard->expiry_index > raft_last_index(shard->raft))
        shard->expiry_index = 0; /* the deletion was among them: it is to be proposed again */
}

/* Leadership went before the batch was proposed: none of it was, or will be, executed. */
void shard_refuse_batch(struct shard *shard) {
    uint32_t count = shard->batch.count;
    shard_clear_batch(shard);
    refuse_last_waiters(shard, count);
}

/* Raft refused the entry that was pending before its step: leadership is being given away. */
void shard_refuse_last_entry(struct shard *shard) {
    size_t last = queue_count(&shard->proposed.entries) - 1;
    struct pending_entry *entry = queue_at(&shard->proposed.entries, last);
    uint32_t count = entry->waiter_count;
    if (queue_count(&shard->tracing.traces))
        shard_trace_truncated(shard, entry->index);
    queue_truncate(&shard->proposed.entries, last);
    refuse_last_waiters(shard, count);
}

void shard_give_up_late(struct shard *shard, uint64_t now_us) {
    uint64_t patience_us = (uint64_t)shard->io->config->write_timeout_ms * 1000;
    size_t waiter_position = 0;
    for (size_t i = 0; i < queue_count(&shard->proposed.entries); i++) {
        struct pending_entry *entry = queue_at(&shard->proposed.entries, i);
        if (now_us < entry->proposed_us + patience_us)
            return;
        if (!entry->is_given_up) {
            entry->is_given_up = true;
            shard_answers_from_log(shard, entry->index, entry->term);
            for (uint32_t w = 0; w < entry->waiter_count; w++)
                tell(shard, waiter_position + w, SHARD_UNKNOWN);
            shard_answered(shard);
        }
        waiter_position += entry->waiter_count;
    }
}

void shard_forget_covered(struct shard *shard, raft_index index) {
    struct pending_entry *entry;
    while ((entry = queue_front(&shard->proposed.entries)) && entry->index <= index) {
        uint32_t count = entry->waiter_count;
        queue_pop(&shard->proposed.entries);
        for (uint32_t w = 0; w < count; w++) {
            tell(shard, 0, SHARD_UNKNOWN);
            queue_pop(&shard->proposed.waiters);
        }
    }
}
