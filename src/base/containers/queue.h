/* A growing ring of elements of one size, first in, first out. Elements are plain memory inside the
 * ring: pointers to them hold until the next push. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue {
    uint8_t *memory;
    size_t element_bytes, capacity, start, count;
};

void queue_init(struct queue *queue, size_t element_bytes);
void queue_release(struct queue *queue);
void *queue_push(struct queue *queue); /* a zeroed element at the end, to be filled in */
void *queue_at(const struct queue *queue, size_t position); /* 0 is the front; CHECKed */
void queue_pop(struct queue *queue);                        /* removes the front; CHECKed */
void queue_truncate(struct queue *queue, size_t count);     /* keeps the first `count` elements */
static inline size_t queue_count(const struct queue *queue) { return queue->count; }
static inline void *queue_front(const struct queue *queue) {
    return queue->count ? queue_at(queue, 0) : NULL;
}
