#include "base/containers/heap.h"
#include "base/memory.h"

enum { HEAP_SMALLEST = 16 };

void heap_init(struct heap *heap) { *heap = (struct heap){0}; }

void heap_release(struct heap *heap) {
    memory_free(heap->nodes);
    *heap = (struct heap){0};
}

/* Without a branch: which of two is first cannot be foretold, and a wrong guess costs more than
 * both comparisons. */
static bool heap_is_before(const struct heap_node *a, const struct heap_node *b) {
    return (a->deadline < b->deadline) | ((a->deadline == b->deadline) & (a->order < b->order));
}

/* Lets `node` rise from the hole to where it belongs. */
static void heap_rise(struct heap *heap, size_t hole, struct heap_node node) {
    while (hole > 0) {
        size_t parent = (hole - 1) / 2;
        if (!heap_is_before(&node, &heap->nodes[parent]))
            break;
        heap->nodes[hole] = heap->nodes[parent];
        hole = parent;
    }
    heap->nodes[hole] = node;
}

void heap_push(struct heap *heap, uint64_t deadline, void *element) {
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity ? heap->capacity * 2 : HEAP_SMALLEST;
        heap->nodes = memory_resize(heap->nodes, heap->capacity * sizeof *heap->nodes);
    }
    struct heap_node node = {.deadline = deadline, .order = heap->next_order++, .element = element};
    heap_rise(heap, heap->count++, node);
}

bool heap_peek(const struct heap *heap, uint64_t *deadline, void **element) {
    if (heap->count == 0)
        return false;
    *deadline = heap->nodes[0].deadline;
    *element = heap->nodes[0].element;
    return true;
}

/* From parents to children: where a parent is not due, none of its children is. */
size_t heap_look(const struct heap *heap, uint64_t after, uint64_t until, void **elements,
                 size_t maximum) {
    size_t places[HEAP_LOOK_MAXIMUM], due = 0, count = 0;
    if (heap->count > 0 && heap->nodes[0].deadline <= until)
        places[due++] = 0;
    for (size_t i = 0; i < due && count < maximum; i++) {
        if (heap->nodes[places[i]].deadline > after)
            elements[count++] = heap->nodes[places[i]].element;
        size_t end = 2 * places[i] + 3 < heap->count ? 2 * places[i] + 3 : heap->count;
        for (size_t child = 2 * places[i] + 1; child < end && due < HEAP_LOOK_MAXIMUM; child++)
            if (heap->nodes[child].deadline <= until)
                places[due++] = child;
    }
    return count;
}

/* From the root: the hole sinks to the bottom, and the node, which was at the bottom, rises from
 * there, mostly not at all (Floyd's way). */
static void heap_sink(struct heap *heap, struct heap_node node) {
    size_t hole = 0, child = 1;
    for (; child + 1 < heap->count; child = 2 * hole + 1) {
        child += heap_is_before(&heap->nodes[child + 1], &heap->nodes[child]);
        heap->nodes[hole] = heap->nodes[child];
        hole = child;
    }
    if (child < heap->count) {
        heap->nodes[hole] = heap->nodes[child];
        hole = child;
    }
    heap_rise(heap, hole, node);
}

bool heap_pop(struct heap *heap, uint64_t *deadline, void **element) {
    if (!heap_peek(heap, deadline, element))
        return false;
    heap->count--;
    if (heap->count > 0)
        heap_sink(heap, heap->nodes[heap->count]);
    return true;
}
