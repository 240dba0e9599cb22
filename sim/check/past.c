#include "sim/check/past.h"
#include "base/check.h"
#include "base/memory.h"
#include "shard/machine/payload.h"
#include "shard/shard.h"
#include "sim/check/checks.h"
#include "sim/cluster/node.h"

enum { PAST_RECOVERIES_MOST = 64 };

struct shard_past {
    struct past_moment *moments; /* by index; 0: before the first entry */
    size_t capacity;
    uint64_t logged_most, committed_most;
    uint64_t given_up_from[PAST_RECOVERIES_MOST]; /* by each recovery */
    unsigned recovery_count;
};

struct past {
    unsigned shard_count;
    struct shard_past *shards;
};

static uint64_t smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }

struct past *past_new(unsigned shard_count) {
    struct past *past = memory_allocate(sizeof *past);
    past->shard_count = shard_count;
    past->shards = memory_allocate_zeroed(shard_count, sizeof *past->shards);
    return past;
}

void past_free(struct past *past) {
    if (past == NULL)
        return;
    for (unsigned i = 0; i < past->shard_count; i++)
        memory_free(past->shards[i].moments);
    memory_free(past->shards);
    memory_free(past);
}

static struct past_moment *moment_at(struct shard_past *shard, uint64_t index) {
    if (index >= shard->capacity) {
        size_t capacity = (size_t)index + 1 + (size_t)index / 2;
        shard->moments = memory_resize(shard->moments, capacity * sizeof *shard->moments);
        memset(shard->moments + shard->capacity, 0,
               (capacity - shard->capacity) * sizeof *shard->moments);
        shard->capacity = capacity;
    }
    return &shard->moments[index];
}

static void note_stamp(const struct raft_entry *entry, struct past_moment *moment) {
    struct payload_header header;
    moment->is_stamp_known = entry != NULL;
    if (entry == NULL || entry->kind != RAFT_ENTRY_COMMANDS)
        return;
    struct cursor in = cursor_of(raft_entry_payload(entry));
    moment->is_stamp_known = payload_decode_header(&in, &header) == 0;
    moment->stamp_ms = moment->is_stamp_known ? header.stamp_ms : 0;
}

static void look_at(struct shard_past *shard, const struct raft *raft, uint64_t now_us) {
    uint64_t last = raft_last_index(raft), committed = raft_commit_index(raft);
    for (; shard->logged_most < last; shard->logged_most++)
        moment_at(shard, shard->logged_most + 1)->logged_us = now_us;
    for (; shard->committed_most < committed; shard->committed_most++) {
        struct past_moment *moment = moment_at(shard, shard->committed_most + 1);
        moment->committed_us = now_us;
        note_stamp(raft_entry_at(raft, shard->committed_most + 1), moment);
    }
}

void past_after_turn(struct simulation *simulation, struct sim_thread *thread) {
    struct past *past = simulation->past;
    if (past == NULL || thread->node->is_given_up)
        return;
    for (uint32_t number = thread->index; number < past->shard_count;
         number += simulation->worker_count) {
        struct shard *shard = worker_shard(thread->worker, number);
        if (shard && !checks_is_of_lost_past(simulation, number, shard_raft(shard)))
            look_at(&past->shards[number], shard_raft(shard), simulation->queue.now_us);
    }
}

void past_forget(struct simulation *simulation, uint32_t shard, uint64_t from) {
    if (simulation->past == NULL)
        return;
    struct shard_past *past = &simulation->past->shards[shard];
    CHECK(past->recovery_count < PAST_RECOVERIES_MOST);
    past->given_up_from[past->recovery_count++] = from;
    past->logged_most = smaller(past->logged_most, from - 1);
    past->committed_most = smaller(past->committed_most, from - 1);
    for (uint64_t index = from; index < past->capacity; index++)
        past->moments[index] = (struct past_moment){0};
}

unsigned past_recovery_count(const struct simulation *simulation, uint32_t shard) {
    return simulation->past->shards[shard].recovery_count;
}

bool past_is_given_up(const struct simulation *simulation, uint32_t shard, uint64_t index,
                      unsigned recovery_count) {
    const struct shard_past *past = &simulation->past->shards[shard];
    for (unsigned i = recovery_count; i < past->recovery_count; i++)
        if (past->given_up_from[i] <= index)
            return true;
    return false;
}

bool past_at(const struct simulation *simulation, uint32_t shard, uint64_t index,
             struct past_moment *moment) {
    const struct shard_past *past = &simulation->past->shards[shard];
    if (index == 0 || index > past->committed_most)
        return false;
    *moment = past->moments[index];
    return true;
}

uint64_t past_leaps_ms(const struct simulation *simulation, uint32_t shard, uint64_t most_ms) {
    const struct shard_past *past = &simulation->past->shards[shard];
    uint64_t sum_ms = 0, most_ahead_ms = UINT64_MAX; /* of real time; none is known yet */
    for (uint64_t index = 1; index <= past->committed_most; index++) {
        const struct past_moment *moment = &past->moments[index];
        if (moment->stamp_ms == 0)
            continue;
        uint64_t ahead_ms = moment->stamp_ms - moment->logged_us / 1000;
        if (ahead_ms <= most_ahead_ms && most_ahead_ms != UINT64_MAX)
            continue;
        if (most_ahead_ms != UINT64_MAX)
            sum_ms += smaller(ahead_ms - most_ahead_ms, most_ms);
        most_ahead_ms = ahead_ms;
    }
    return sum_ms;
}

uint64_t past_index_at(const struct simulation *simulation, uint32_t shard, uint64_t time_ms) {
    const struct shard_past *past = &simulation->past->shards[shard];
    for (uint64_t index = 1; index <= past->committed_most; index++) {
        if (!past->moments[index].is_stamp_known)
            return UINT64_MAX;
        if (past->moments[index].stamp_ms > time_ms)
            return index - 1;
    }
    return past->committed_most;
}
