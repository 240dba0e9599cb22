#include "base/containers/heap.h"
#include "base/check.h"
#include "base/memory.h"

enum { HEAP_SMALLEST = 16 };

void heap_init(struct heap *heap) { *heap = (struct heap){0}; }

void heap_release(struct heap *heap) {
    memory_free(heap->nodes);
    *heap = (struct heap){0};
}

static bool heap_is_before(const struct heap_node *a, const struct heap_node *b) {
    return a->deadline != b->deadline ? a->deadline < b->deadline : a->order < b->order;
}

void heap_push(struct heap *heap, uint64_t deadline, void *element) {
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity ? heap->capacity * 2 : HEAP_SMALLEST;
        heap->nodes = memory_resize(heap->nodes, heap->capacity * sizeof *heap->nodes);
    }
    struct heap_node node = {.deadline = deadline, .order = heap->next_order++, .element = element};
    size_t hole = heap->count++;
    while (hole > 0) {
        size_t parent = (hole - 1) / 2;
        if (!heap_is_before(&node, &heap->nodes[parent]))
            break;
        heap->nodes[hole] = heap->nodes[parent];
        hole = parent;
    }
    heap->nodes[hole] = node;
}

bool heap_peek(const struct heap *heap, uint64_t *deadline, void **element) {
    if (heap->count == 0)
        return false;
    *deadline = heap->nodes[0].deadline;
    *element = heap->nodes[0].element;
    return true;
}

/* From parents to children: where a parent is not due, none of its children is. */
size_t heap_look(const struct heap *heap, uint64_t until, void **elements, size_t maximum) {
    size_t places[HEAP_LOOK_MAXIMUM], count = 0;
    CHECK(maximum <= HEAP_LOOK_MAXIMUM);
    if (maximum > 0 && heap->count > 0 && heap->nodes[0].deadline <= until)
        places[count++] = 0;
    for (size_t i = 0; i < count; i++) {
        elements[i] = heap->nodes[places[i]].element;
        size_t end = 2 * places[i] + 3 < heap->count ? 2 * places[i] + 3 : heap->count;
        for (size_t child = 2 * places[i] + 1; child < end && count < maximum; child++)
            if (heap->nodes[child].deadline <= until)
                places[count++] = child;
    }
    return count;
}

/* Lets `node` sink from the root to where it belongs. */
static void heap_sink(struct heap *heap, struct heap_node node) {
    size_t hole = 0;
    for (;;) {
        size_t child = 2 * hole + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && heap_is_before(&heap->nodes[child + 1], &heap->nodes[child]))
            child++;
        if (!heap_is_before(&heap->nodes[child], &node))
            break;
        heap->nodes[hole] = heap->nodes[child];
        hole = child;
    }
    heap->nodes[hole] = node;
}

bool heap_pop(struct heap *heap, uint64_t *deadline, void **element) {
    if (!heap_peek(heap, deadline, element))
        return false;
    heap->count--;
    if (heap->count > 0)
        heap_sink(heap, heap->nodes[heap->count]);
    return true;
}
