/* The queue of everything that will happen, by virtual time in microseconds. Events at the same
 * time run in the order they were scheduled, so one seed gives one history. An event of a thing
 * that may have died carries the life it was meant for. */
#pragma once
#include "base/containers/heap.h"

struct event;
typedef void event_run(struct event *event);

struct event {
    event_run *run;
    void *context; /* whom it concerns; borrowed */
    void *object;  /* what it brings; owned by the event, freed with memory_free() after it ran */
    uint64_t life; /* the context's when it was scheduled */
    uint64_t number;
    bool is_again;
    struct event *next_spare;
};

struct event_queue {
    struct heap heap;
    struct event *spare;
    uint64_t now_us;
    uint64_t executed_count;
};

void event_queue_init(struct event_queue *queue);
void event_queue_release(struct event_queue *queue); /* with all that is still scheduled */
/* Borrowed: the caller fills in object, life and number before the queue goes on. A time in the
 * past means now. */
struct event *event_schedule(struct event_queue *queue, uint64_t at_us, event_run *run,
                             void *context);
/* From within run(): the same event once more, later. */
void event_again(struct event_queue *queue, struct event *event, uint64_t at_us);
/* Runs the next event, if it is due by until_us; false (and the time stays) when there is none. */
bool event_queue_step(struct event_queue *queue, uint64_t until_us);
