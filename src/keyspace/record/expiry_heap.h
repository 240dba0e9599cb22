/* The records that expire, the earliest at the root: a binary heap in which every record knows its
 * own place, so that a deletion or a new expiry finds it at once and nothing stale is ever kept. It
 * stands in pages, so that growing it never copies it.
 *
 *      place 0                     node: expiry, record  <->  record: expiry, place
 *      1       2
 *      3   4   5   6  */
#pragma once
#include "keyspace/record/record.h"

enum { EXPIRY_PAGE_NODES = 256, EXPIRY_COUNT_MAXIMUM = UINT32_MAX };

struct expiry_node {
    uint64_t expiry_ms;
    struct record *record;
};
struct expiry_heap {
    struct expiry_node **pages;
    size_t page_count, page_capacity;
    uint32_t count;
};

void expiry_heap_init(struct expiry_heap *heap);
void expiry_heap_release(struct expiry_heap *heap); /* records are the caller's */
/* The record has_expiry, its expiry is written, and it is not in the heap. */
void expiry_heap_insert(struct expiry_heap *heap, struct record *record);
void expiry_heap_remove(struct expiry_heap *heap, const struct record *record);
/* The record, with expiry and place, was moved to this address. */
void expiry_heap_moved(struct expiry_heap *heap, struct record *record);
/* Up to `maximum` records whose time is at or before now_ms; looks at no more than twice as many.
 */
size_t expiry_heap_due(const struct expiry_heap *heap, uint64_t now_ms, size_t maximum,
                       void (*visit)(void *context, const struct record *record), void *context);
size_t expiry_heap_memory_bytes(const struct expiry_heap *heap);
