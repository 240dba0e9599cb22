/* Which shards of a worker need a look: those that are due, and those that something happened to in
 * this turn. A thousand idle shards cost nothing here.
 *
 * A shard stands in the heap at its deadline or earlier: one whose deadline moved back is looked at
 * in vain once, and put where it belongs. */
#include "replica/shards/timers.h"

#include "replica/shards/publish.h"
#include "replica/shards/rounds.h"
#include "replica/state/state.h"
#include "worker/worker.h"

static void *element_of(uint32_t shard) { return (void *)(uintptr_t)shard; }

void timers_touch(void *context, struct shard *shard) {
    struct worker *worker = context;
    struct shard_timers *timers = &worker->hosting->timers;
    uint32_t number = shard_number(shard);
    timers->is_noted[number] = false;
    if (!timers->is_touched[number]) {
        timers->is_touched[number] = true;
        timers->touched[timers->touched_count++] = number;
    }
}

static void queue(struct worker *worker, uint32_t shard) {
    uint64_t deadline_us = shard_deadline_us(worker->shards[shard]);
    uint64_t *queued_us = &worker->hosting->timers.queued_us[shard];
    if (deadline_us < *queued_us) {
        *queued_us = deadline_us;
        heap_push(&worker->hosting->timers.due, deadline_us, element_of(shard));
    }
}

/* Those that are due by now, and no more: a shard that is due again at once waits for the next
 * turn. */
void timers_tick(struct worker *worker, uint64_t now_us) {
    struct shard_timers *timers = &worker->hosting->timers;
    uint64_t deadline_us;
    void *element;
    while (heap_peek(&timers->due, &deadline_us, &element) && deadline_us <= now_us) {
        uint32_t shard = (uint32_t)(uintptr_t)element;
        heap_pop(&timers->due, &deadline_us, &element);
        if (timers->queued_us[shard] != deadline_us)
            continue;
        timers->queued_us[shard] = UINT64_MAX;
        if (!worker->shards[shard])
            continue;
        timers_touch(worker, worker->shards[shard]);
        if (now_us >= shard_deadline_us(worker->shards[shard]))
            shard_tick(worker->shards[shard]);
    }
}

uint64_t timers_deadline_us(const struct worker *worker) {
    uint64_t deadline_us;
    void *element;
    bool has_any = heap_peek(&worker->hosting->timers.due, &deadline_us, &element);
    return has_any ? deadline_us : UINT64_MAX;
}

static void note_logging(struct shard_timers *timers, uint32_t number, const struct shard *shard) {
    if (!timers->is_logging[number] && shard_awaits_log(shard)) {
        timers->is_logging[number] = true;
        timers->logging[timers->logging_count++] = number;
    }
}

/* What was touched since its turn ended last may have begun to wait. */
void timers_durable(struct worker *worker, uint64_t wal_sequence) {
    struct shard_timers *timers = &worker->hosting->timers;
    for (unsigned i = 0; i < timers->touched_count; i++) {
        uint32_t number = timers->touched[i];
        if (worker->shards[number])
            note_logging(timers, number, worker->shards[number]);
    }
    unsigned kept = 0;
    for (unsigned i = 0; i < timers->logging_count; i++) {
        uint32_t number = timers->logging[i];
        struct shard *shard = worker->shards[number];
        if (shard && !worker->is_failed)
            shard_durable(shard, wal_sequence);
        timers->is_logging[number] = shard && shard_awaits_log(shard);
        if (timers->is_logging[number])
            timers->logging[kept++] = number;
    }
    timers->logging_count = kept;
}

static void note(struct worker *worker, uint32_t number) {
    bool *is_noted = &worker->hosting->timers.is_noted[number];
    if (!*is_noted)
        rounds_note(worker, number);
    *is_noted = true;
}

/* An entry touches its shard, and perhaps another, again: the list grows while it is walked. */
void timers_begin_rounds(struct worker *worker) {
    const struct shard_timers *timers = &worker->hosting->timers;
    unsigned noted = 0;
    do {
        for (; noted < timers->touched_count; noted++)
            note(worker, timers->touched[noted]);
        rounds_begin(worker);
    } while (noted < timers->touched_count);
}

void timers_end_turn(struct worker *worker) {
    struct shard_timers *timers = &worker->hosting->timers;
    timers_begin_rounds(worker);
    for (unsigned i = 0; i < timers->touched_count; i++) {
        uint32_t shard = timers->touched[i];
        timers->is_touched[shard] = false;
        if (worker->shards[shard]) {
            note(worker, shard);
            note_logging(timers, shard, worker->shards[shard]);
            queue(worker, shard);
            publish_stale(worker, shard);
        }
    }
    timers->touched_count = 0;
}

void timers_admit(struct worker *worker) {
    for (unsigned i = 0; i < worker->hosting->timers.touched_count; i++) {
        struct shard *shard = worker->shards[worker->hosting->timers.touched[i]];
        if (shard)
            shard_admit(shard);
    }
}
