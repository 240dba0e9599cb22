/* What the owner asks a shard. */
#include "shard/state/look.h"
#include "base/memory.h"
#include "shard/shard.h"

uint32_t shard_number(const struct shard *shard) { return shard->number; }
const struct raft *shard_raft(const struct shard *shard) { return shard->raft; }
struct machine *shard_machine(const struct shard *shard) {
    return shard->machine;
}
raft_index shard_applied_index(const struct shard *shard) { return shard->applied_index; }
uint64_t shard_time_ms(const struct shard *shard) { return shard->time_ms; }
const struct shard_answer *shard_answering(const struct shard *shard) { return &shard->answering; }
bool shard_is_leader(const struct shard *shard) { return shard_leads(shard); }
bool shard_is_settled(const struct shard *shard) { return shard_has_settled(shard); }
bool shard_is_loading(const struct shard *shard) {
    return shard->incoming.stage == INCOMING_LOADING;
}
raft_index shard_snapshot_index(const struct shard *shard) { return shard->snapshot_index; }
struct shard_place shard_coming_in(const struct shard *shard) {
    const struct incoming_snapshot *in = &shard->incoming;
    return in->stage == INCOMING_NONE
               ? (struct shard_place){0}
               : (struct shard_place){.index = in->index, .term = in->offer->meta.term};
}
struct snapshot_shelf *shard_snapshot_shelf(struct shard *shard) {
    return shard->shelf;
}

uint64_t shard_state_hash(const struct shard *shard) {
    return shard->machine->ops->hash(shard->machine);
}

uint64_t shard_difference_count(const struct shard *shard) { return shard->difference_count; }

size_t shard_pending_count(const struct shard *shard) {
    return queue_count(&shard->proposed.waiters) + queue_count(&shard->reads.pending) +
           queue_count(&shard->early.replies);
}

uint32_t shard_batch_count(const struct shard *shard) { return shard->batch.count; }

void shard_fetch(const struct shard *shard) {
    memory_fetch_all(shard, offsetof(struct shard, incoming.number));
    memory_fetch(&shard->own.stage);
}

static void fetch_front(const struct queue *queue) {
    if (queue_count(queue))
        memory_fetch_all(queue_front(queue), queue->element_bytes);
}

void shard_fetch_behind(const struct shard *shard) {
    raft_fetch(shard->raft);
    fetch_front(&shard->saves.pending);
    fetch_front(&shard->saves.messages);
    fetch_front(&shard->proposed.entries);
}

/* What was appended last is about to be durable or committed, or another follows it. */
void shard_fetch_last(const struct shard *shard) {
    raft_index last_index = raft_last_index(shard->raft);
    raft_fetch_behind(shard->raft);
    moments_fetch(&shard->tracing.moments, last_index);
    moments_fetch(&shard->tracing.moments, last_index + 1);
}

const char *shard_wanting_text(const struct shard *shard) {
    return wal_wanting_text(wal_wanting(shard->io->wal));
}
