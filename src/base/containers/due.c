#include "base/containers/due.h"
#include "base/check.h"
#include "base/memory.h"
#include <assert.h>

/* Four children a node: half as deep as with two, and they share a line of the cache. */
enum { DUE_CHILDREN = 4 };

/* By a quarter at a time: a simulator holds thousands of heaps of thousands. And what is half empty
 * shrinks by a quarter, so that growing and shrinking never take turns. */
enum { DUE_SMALLEST = 8, DUE_STEP_SHARE = 4, DUE_EMPTY_SHARE = 2 };

void due_heap_release(struct due_heap *heap) {
    memory_free(heap->nodes);
    *heap = (struct due_heap){0};
}

static void due_put(struct due_heap *heap, size_t place, struct due_node node) {
    heap->nodes[place] = node;
    node.due->place = (uint32_t)place + 1;
}

static void due_rise(struct due_heap *heap, size_t place, struct due_node node) {
    while (place > 0) {
        size_t parent = (place - 1) / DUE_CHILDREN;
        if (heap->nodes[parent].time_us <= node.time_us)
            break;
        due_put(heap, place, heap->nodes[parent]);
        place = parent;
    }
    due_put(heap, place, node);
}

/* The first of the earliest. */
static size_t due_earlier(const struct due_heap *heap, size_t a, size_t b) {
    return heap->nodes[b].time_us < heap->nodes[a].time_us ? b : a;
}

/* Of all four in two rounds, which a processor reckons at once and without a guess. */
static size_t due_earliest_child(const struct due_heap *heap, size_t first) {
    static_assert(DUE_CHILDREN == 4, "as many are compared");
    if (first + DUE_CHILDREN <= heap->count)
        return due_earlier(heap, due_earlier(heap, first, first + 1),
                           due_earlier(heap, first + 2, first + 3));
    size_t best = first;
    for (size_t i = first + 1; i < heap->count; i++)
        best = due_earlier(heap, best, i);
    return best;
}

static void due_sink(struct due_heap *heap, size_t place, struct due_node node) {
    for (size_t first; (first = place * DUE_CHILDREN + 1) < heap->count;) {
        size_t child = due_earliest_child(heap, first);
        if (heap->nodes[child].time_us >= node.time_us)
            break;
        due_put(heap, place, heap->nodes[child]);
        place = child;
    }
    due_put(heap, place, node);
}

static size_t due_place(const struct due_heap *heap, const struct due *due) {
    size_t place = due->place - 1;
    CHECK(place < heap->count && heap->nodes[place].due == due);
    return place;
}

static void due_resize(struct due_heap *heap, size_t capacity) {
    heap->capacity = capacity;
    heap->nodes = memory_resize(heap->nodes, capacity * sizeof *heap->nodes);
}

static void due_add(struct due_heap *heap, struct due_node node) {
    if (heap->count == heap->capacity)
        due_resize(heap, heap->capacity + heap->capacity / DUE_STEP_SHARE + DUE_SMALLEST);
    due_rise(heap, heap->count++, node);
}

void due_set(struct due_heap *heap, struct due *due, uint64_t time_us) {
    uint64_t before_us = due->time_us;
    struct due_node node = {.time_us = time_us, .due = due};
    due->time_us = time_us;
    if (due->place == 0)
        due_add(heap, node);
    else if (time_us < before_us)
        due_rise(heap, due_place(heap, due), node);
    else if (time_us > before_us)
        due_sink(heap, due_place(heap, due), node);
}

/* From parents to children: where a parent is not due, none of its children is. */
size_t due_look(const struct due_heap *heap, uint64_t after_us, uint64_t until_us, struct due **out,
                size_t maximum) {
    size_t places[DUE_LOOK_MAXIMUM], due = 0, count = 0;
    if (heap->count > 0 && heap->nodes[0].time_us <= until_us)
        places[due++] = 0;
    for (size_t i = 0; i < due && count < maximum; i++) {
        if (heap->nodes[places[i]].time_us > after_us)
            out[count++] = heap->nodes[places[i]].due;
        size_t first = places[i] * DUE_CHILDREN + 1;
        size_t end = first + DUE_CHILDREN < heap->count ? first + DUE_CHILDREN : heap->count;
        for (size_t child = first; child < end && due < DUE_LOOK_MAXIMUM; child++)
            if (heap->nodes[child].time_us <= until_us)
                places[due++] = child;
    }
    return count;
}

static void due_shrink(struct due_heap *heap) {
    if (heap->capacity > DUE_SMALLEST && heap->count <= heap->capacity / DUE_EMPTY_SHARE)
        due_resize(heap, heap->capacity - heap->capacity / DUE_STEP_SHARE);
}

/* The gap is filled by the last. */
static void due_fill(struct due_heap *heap, size_t gap, struct due_node last, uint64_t gone_us) {
    if (last.time_us < gone_us)
        due_rise(heap, gap, last);
    else
        due_sink(heap, gap, last);
}

void due_remove(struct due_heap *heap, struct due *due) {
    if (due->place == 0)
        return;
    size_t gap = due_place(heap, due);
    struct due_node last = heap->nodes[--heap->count];
    due->place = 0;
    if (last.due != due)
        due_fill(heap, gap, last, due->time_us);
    due_shrink(heap);
}
