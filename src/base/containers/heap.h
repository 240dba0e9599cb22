/* A binary heap of (deadline, element), smallest deadline first; ties leave in the order they came,
 * so that the same inputs give the same order always. Elements are removed lazily: the caller
 * recognises stale ones. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
    uint64_t deadline;
    uint64_t order;
    void *element;
};
struct heap {
    struct heap_node *nodes;
    size_t count, capacity;
    uint64_t next_order;
};

void heap_init(struct heap *heap);
void heap_release(struct heap *heap); /* elements are the caller's */
void heap_push(struct heap *heap, uint64_t deadline, void *element);
bool heap_peek(const struct heap *heap, uint64_t *deadline, void **element);
/* What is due after `after` and until `until`, in no order; at most `maximum` of them, and of more
 * than HEAP_LOOK_MAXIMUM that are due until then not all. Returns how many. They stay in the heap.
 */
enum { HEAP_LOOK_MAXIMUM = 64 };
size_t heap_look(const struct heap *heap, uint64_t after, uint64_t until, void **elements,
                 size_t maximum);
bool heap_pop(struct heap *heap, uint64_t *deadline, void **element);
