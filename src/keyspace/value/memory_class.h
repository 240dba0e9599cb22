/* What memory is counted as. */
#pragma once
#include <stddef.h>

/* What an allocation of `bytes` really takes: jemalloc's size classes, 16 bytes apart up to 128 and
 * then four to a doubling. Accounting by it needs no allocator and is the same on every machine. */
static inline size_t memory_class(size_t bytes) {
    if (bytes <= 8)
        return 8;
    if (bytes <= 128)
        return (bytes + 15) & ~(size_t)15;
    unsigned bits = 63 - (unsigned)__builtin_clzll(bytes - 1);
    size_t step = (size_t)1 << (bits - 2);
    return (bytes + step - 1) & ~(step - 1);
}
