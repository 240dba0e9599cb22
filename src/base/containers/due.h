/* What is due when: a heap in which each element can be moved to another time or taken out. It
 * grows and shrinks with what is in it. The struct due is a member of the element. Elements due at
 * the same time leave in an order that depends on nothing but the calls made: the same calls give
 * the same order. */
#pragma once
#include "base/containers/list.h"
#include <stdint.h>

struct due {
    uint64_t time_us;
    uint32_t place; /* in the heap, from 1 on; 0: in none */
};

struct due_node {
    uint64_t time_us; /* here as well: to compare two, neither element is touched */
    struct due *due;
};
struct due_heap {
    struct due_node *nodes;
    size_t count, capacity;
};

#define DUE_ELEMENT(due, type, member) LIST_ELEMENT(due, type, member)

void due_heap_release(struct due_heap *heap); /* zeroed, it is ready; elements are the caller's */
/* From now on due at that time, whether it was in the heap before or not. */
void due_set(struct due_heap *heap, struct due *due, uint64_t time_us);
/* No effect if it is in none. */
void due_remove(struct due_heap *heap, struct due *due);
/* Any of them, by numbers below `count`: who has which changes with each change of the heap. */
static inline struct due *due_at(const struct due_heap *heap, size_t number) {
    return heap->nodes[number].due;
}
/* What is due after `after_us` and until `until_us`, in no order; at most `maximum` of them, and of
 * more than DUE_LOOK_MAXIMUM that are due until then not all. Returns how many. They stay in the
 * heap. */
enum { DUE_LOOK_MAXIMUM = 64 };
size_t due_look(const struct due_heap *heap, uint64_t after_us, uint64_t until_us, struct due **out,
                size_t maximum);
/* NULL: nothing is due, ever. */
static inline struct due *due_first(const struct due_heap *heap) {
    return heap->count > 0 ? heap->nodes[0].due : NULL;
}
