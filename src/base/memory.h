/* Heap memory that never returns NULL: running out ends the process with one clear line, because an
 * in-memory store that drops a piece of its state could no longer keep its word. Whatever a
 * stranger can make grow is bounded by a named limit long before. A size of 0 is allowed. */
#pragma once
#include <stddef.h>

void *memory_allocate(size_t bytes);                      /* returns owned, uninitialised */
void *memory_allocate_zeroed(size_t count, size_t bytes); /* returns owned, zeroed */
void *memory_resize(void *block, size_t bytes);           /* takes block, returns owned */
void *memory_copy(const void *source, size_t bytes);      /* returns owned */
char *memory_copy_text(const char *text);                 /* returns owned */
void memory_free(void *block);                            /* NULL is allowed */

/* Asks for a line of memory that is needed soon, and does not wait for it. The empty statement
 * keeps it: a function that only asks has no effect in the eyes of GCC, which leaves out the calls
 * of such functions when it sees the whole program. */
static inline void memory_fetch(const void *memory) {
    __builtin_prefetch(memory);
    __asm__ volatile("" : : "r"(memory));
}
/* All lines of it; NULL: there is nothing yet. */
static inline void memory_fetch_all(const void *memory, size_t bytes) {
    enum { LINE_BYTES = 64 };
    if (memory == NULL || bytes == 0)
        return;
    const char *first = memory, *last = first + bytes - 1;
    for (size_t at = 0; at < bytes; at += LINE_BYTES)
        memory_fetch(first + at);
    memory_fetch(last);
}
