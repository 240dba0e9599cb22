#include "sim/world/event.h"
#include "base/memory.h"

void event_queue_init(struct event_queue *queue) {
    *queue = (struct event_queue){0};
    heap_init(&queue->heap);
}

void event_queue_release(struct event_queue *queue) {
    uint64_t at_us;
    void *element;
    while (heap_pop(&queue->heap, &at_us, &element)) {
        struct event *event = element;
        memory_free(event->object);
        memory_free(event);
    }
    heap_release(&queue->heap);
    for (struct event *event = queue->spare, *next; event; event = next) {
        next = event->next_spare;
        memory_free(event);
    }
}

static void event_push(struct event_queue *queue, struct event *event, uint64_t at_us) {
    heap_push(&queue->heap, at_us < queue->now_us ? queue->now_us : at_us, event);
}

struct event *event_schedule(struct event_queue *queue, uint64_t at_us, event_run *run,
                             void *context) {
    struct event *event = queue->spare;
    if (event)
        queue->spare = event->next_spare;
    else
        event = memory_allocate(sizeof *event);
    *event = (struct event){.run = run, .context = context};
    event_push(queue, event, at_us);
    return event;
}

void event_again(struct event_queue *queue, struct event *event, uint64_t at_us) {
    event->is_again = true;
    event_push(queue, event, at_us);
}

bool event_queue_step(struct event_queue *queue, uint64_t until_us) {
    uint64_t at_us;
    void *element;
    if (!heap_peek(&queue->heap, &at_us, &element) || at_us > until_us)
        return false;
    heap_pop(&queue->heap, &at_us, &element);
    struct event *event = element;
    queue->now_us = at_us;
    queue->executed_count++;
    event->is_again = false;
    event->run(event);
    if (!event->is_again) {
        memory_free(event->object);
        event->next_spare = queue->spare;
        queue->spare = event;
    }
    return true;
}
