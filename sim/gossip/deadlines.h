/* When each of many nodes wants to be called again: a 4-ary heap of nodes, with every node's place
 * in it, so that a deadline that moves is moved and never left behind. Equal deadlines leave in the
 * order of the nodes' numbers, so that the same seed gives the same run. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct deadlines {
    uint64_t *times_us; /* by node; DEADLINES_NEVER: it is not in the heap */
    unsigned *heap;     /* nodes */
    unsigned *places;   /* by node: where in the heap */
    size_t count, capacity;
};
#define DEADLINES_NEVER UINT64_MAX

/* For nodes numbered 0 to capacity - 1, none of them in it. */
void deadlines_init(struct deadlines *deadlines, size_t capacity);
void deadlines_release(struct deadlines *deadlines);
/* DEADLINES_NEVER takes the node out. */
void deadlines_set(struct deadlines *deadlines, unsigned node, uint64_t time_us);
/* The earliest; false if there is none. */
bool deadlines_first(const struct deadlines *deadlines, unsigned *node, uint64_t *time_us);
