#include "sim/gossip/deadlines.h"
#include "base/check.h"
#include "base/memory.h"

enum { CHILDREN = 4 };

void deadlines_init(struct deadlines *deadlines, size_t capacity) {
    *deadlines = (struct deadlines){.times_us = memory_allocate(capacity * sizeof(uint64_t)),
                                    .heap = memory_allocate(capacity * sizeof(unsigned)),
                                    .places = memory_allocate(capacity * sizeof(unsigned)),
                                    .capacity = capacity};
    for (size_t i = 0; i < capacity; i++)
        deadlines->times_us[i] = DEADLINES_NEVER;
}

void deadlines_release(struct deadlines *deadlines) {
    memory_free(deadlines->times_us);
    memory_free(deadlines->heap);
    memory_free(deadlines->places);
}

static bool is_before(const struct deadlines *deadlines, unsigned a, unsigned b) {
    uint64_t a_us = deadlines->times_us[a], b_us = deadlines->times_us[b];
    return a_us < b_us || (a_us == b_us && a < b);
}

static void put(struct deadlines *deadlines, size_t place, unsigned node) {
    deadlines->heap[place] = node;
    deadlines->places[node] = (unsigned)place;
}

static void rise(struct deadlines *deadlines, size_t place) {
    unsigned node = deadlines->heap[place];
    while (place > 0 && is_before(deadlines, node, deadlines->heap[(place - 1) / CHILDREN])) {
        put(deadlines, place, deadlines->heap[(place - 1) / CHILDREN]);
        place = (place - 1) / CHILDREN;
    }
    put(deadlines, place, node);
}

static size_t earliest_child(const struct deadlines *deadlines, size_t place) {
    size_t first = place * CHILDREN + 1, best = first;
    for (size_t i = first + 1; i < first + CHILDREN && i < deadlines->count; i++)
        if (is_before(deadlines, deadlines->heap[i], deadlines->heap[best]))
            best = i;
    return best;
}

static void sink(struct deadlines *deadlines, size_t place) {
    unsigned node = deadlines->heap[place];
    while (place * CHILDREN + 1 < deadlines->count) {
        size_t child = earliest_child(deadlines, place);
        if (!is_before(deadlines, deadlines->heap[child], node))
            break;
        put(deadlines, place, deadlines->heap[child]);
        place = child;
    }
    put(deadlines, place, node);
}

static void take_out(struct deadlines *deadlines, unsigned node) {
    size_t place = deadlines->places[node];
    unsigned last = deadlines->heap[--deadlines->count];
    deadlines->times_us[node] = DEADLINES_NEVER;
    if (last == node)
        return;
    put(deadlines, place, last);
    rise(deadlines, place);
    sink(deadlines, deadlines->places[last]);
}

void deadlines_set(struct deadlines *deadlines, unsigned node, uint64_t time_us) {
    CHECK(node < deadlines->capacity);
    uint64_t before_us = deadlines->times_us[node];
    if (time_us == before_us)
        return;
    if (time_us == DEADLINES_NEVER) {
        take_out(deadlines, node);
        return;
    }
    deadlines->times_us[node] = time_us;
    if (before_us == DEADLINES_NEVER)
        put(deadlines, deadlines->count++, node);
    if (time_us < before_us)
        rise(deadlines, deadlines->places[node]);
    else
        sink(deadlines, deadlines->places[node]);
}

bool deadlines_first(const struct deadlines *deadlines, unsigned *node, uint64_t *time_us) {
    if (deadlines->count == 0)
        return false;
    *node = deadlines->heap[0];
    *time_us = deadlines->times_us[*node];
    return true;
}
