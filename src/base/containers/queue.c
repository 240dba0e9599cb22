#include "base/containers/queue.h"

#include <string.h>

#include "base/check.h"
#include "base/memory.h"

void queue_init(struct queue *queue, size_t element_bytes) {
    *queue = (struct queue){.element_bytes = element_bytes};
}

void queue_release(struct queue *queue) {
    memory_free(queue->memory);
    *queue = (struct queue){.element_bytes = queue->element_bytes};
}

/* The capacity is a power of two, so that a position wraps with a mask. */
static uint8_t *element_at(const struct queue *queue, size_t position) {
    return queue->memory +
           ((queue->start + position) & (queue->capacity - 1)) * queue->element_bytes;
}

static void queue_grow(struct queue *queue) {
    size_t capacity = queue->capacity ? queue->capacity * 2 : 16;
    uint8_t *memory = memory_allocate(capacity * queue->element_bytes);
    size_t until_wrap = queue->capacity - queue->start;
    size_t head = queue->count < until_wrap ? queue->count : until_wrap;
    if (queue->count) {
        memcpy(memory, queue->memory + queue->start * queue->element_bytes,
               head * queue->element_bytes);
        memcpy(memory + head * queue->element_bytes, queue->memory,
               (queue->count - head) * queue->element_bytes);
    }
    memory_free(queue->memory);
    queue->memory = memory;
    queue->capacity = capacity;
    queue->start = 0;
}

void *queue_push(struct queue *queue) {
    if (queue->count == queue->capacity)
        queue_grow(queue);
    uint8_t *element = element_at(queue, queue->count++);
    memset(element, 0, queue->element_bytes);
    return element;
}

void *queue_at(const struct queue *queue, size_t position) {
    CHECK(position < queue->count);
    return element_at(queue, position);
}

void queue_pop(struct queue *queue) {
    CHECK(queue->count > 0);
    queue->count--;
    /* An empty one begins anew where it began: memory that was used a moment ago is still near. */
    queue->start = queue->count > 0 ? (queue->start + 1) & (queue->capacity - 1) : 0;
}

void queue_truncate(struct queue *queue, size_t count) {
    CHECK(count <= queue->count);
    queue->count = count;
}
