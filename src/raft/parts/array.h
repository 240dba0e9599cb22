/* Arrays that grow: doubled when they are full, never made smaller. */
#pragma once
#include <stddef.h>

/* The array with room for one more element; it may move. */
void *raft_array_grow(void *array, size_t count, size_t *capacity, size_t element_bytes);
/* Takes `gone` elements out of the array at `position`; returns how many are left. */
size_t raft_array_remove(void *array, size_t count, size_t position, size_t gone,
                         size_t element_bytes);
