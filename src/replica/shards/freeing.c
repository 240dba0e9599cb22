#include "replica/shards/freeing.h"

#include "base/memory.h"
#include "keyspace/record/remains.h"
#include "replica/state/state.h"

struct freeing {
    struct remains *remains; /* owned */
    uint64_t next_us;
};

struct freeing *freeing_new(void) {
    struct freeing *freeing = memory_allocate_zeroed(1, sizeof *freeing);
    freeing->remains = remains_new();
    return freeing;
}

void freeing_free(struct freeing *freeing) {
    remains_free(freeing->remains);
    memory_free(freeing);
}

struct remains *freeing_remains(struct freeing *freeing) {
    return freeing->remains;
}

uint64_t freeing_deadline_us(const struct worker *worker) {
    const struct freeing *freeing = worker->hosting->freeing;
    return remains_is_empty(freeing->remains) ? UINT64_MAX : freeing->next_us;
}

void freeing_tick(struct worker *worker, uint64_t now_us) {
    struct freeing *freeing = worker->hosting->freeing;
    if (now_us < freeing_deadline_us(worker))
        return;
    remains_free_some(freeing->remains, FREEING_TURN_ELEMENTS);
    freeing->next_us = now_us + FREEING_TURN_US;
}
