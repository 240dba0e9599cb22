/* The turn of a thread's loop, and its alarm clock. libuv runs timers, then `prepare` hooks, then
 * waits for I/O and calls back what has come. So a `prepare` hook sees everything that came in one
 * go, once, before the loop waits: that is the end of the turn. */
#pragma once
#include "io/clock.h"
#include <uv.h>

struct turn {
    uv_prepare_t hook;
    uv_timer_t alarm;
    struct clock *clock; /* borrowed */
    void (*at_end)(void *context);
    void *context;
};

void turn_init(struct turn *turn, uv_loop_t *loop, struct clock *clock,
               void (*at_end)(void *context), void *context);
/* Wakes the loop at or shortly after a time of the monotonic clock. UINT64_MAX: not at all. */
void turn_set_alarm(struct turn *turn, uint64_t deadline_us);
void turn_close(struct turn *turn);
