#include "raft/parts/array.h"
#include "base/memory.h"
#include <stdint.h>
#include <string.h>

enum { ARRAY_FIRST_CAPACITY = 8 };

void *raft_array_grow(void *array, size_t count, size_t *capacity, size_t element_bytes) {
    if (count < *capacity)
        return array;
    *capacity = *capacity ? *capacity * 2 : ARRAY_FIRST_CAPACITY;
    return memory_resize(array, *capacity * element_bytes);
}

size_t raft_array_remove(void *array, size_t count, size_t position, size_t gone,
                         size_t element_bytes) {
    uint8_t *at = array;
    if (gone > 0 && count > position + gone)
        memmove(at + position * element_bytes, at + (position + gone) * element_bytes,
                (count - position - gone) * element_bytes);
    return count - gone;
}
