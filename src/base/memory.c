#include "base/memory.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn static void memory_exhausted(size_t bytes) {
    fprintf(stderr, "trothdb: out of memory: %zu bytes could not be allocated; stopping\n", bytes);
    abort();
}

/* malloc(0) may return NULL; one byte keeps "never NULL" true for every size. */
static void *memory_checked(void *block, size_t bytes) {
    if (block == NULL)
        memory_exhausted(bytes);
    return block;
}

void *memory_allocate(size_t bytes) { return memory_checked(malloc(bytes ? bytes : 1), bytes); }

void *memory_allocate_zeroed(size_t count, size_t bytes) {
    if (count == 0 || bytes == 0)
        count = bytes = 1;
    void *block = calloc(count, bytes);
    if (block == NULL)
        memory_exhausted(bytes > SIZE_MAX / count ? SIZE_MAX : count * bytes);
    return block;
}

void *memory_resize(void *block, size_t bytes) {
    return memory_checked(realloc(block, bytes ? bytes : 1), bytes);
}

void *memory_copy(const void *source, size_t bytes) {
    void *copy = memory_allocate(bytes);
    if (bytes)
        memcpy(copy, source, bytes);
    return copy;
}

char *memory_copy_text(const char *text) { return memory_copy(text, strlen(text) + 1); }

void memory_free(void *block) { free(block); }
