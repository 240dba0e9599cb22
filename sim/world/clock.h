/* Clocks that are wrong in the ways real ones are. A node's monotonic clock runs at its own rate
 * (drift) and its wall clock jumps. A thread's clock is the node's, seen by a thread that may be
 * held up: `busy_until_us` is how far it is ahead of the world, because it was stopped in the
 * middle of what it did; what it sends leaves then, what is sent to it waits till then. */
#pragma once
#include "io/clock.h"
#include "sim/world/event.h"

struct sim_time {      /* one a node */
    uint64_t since_us; /* world's time at which local_us was so much */
    uint64_t local_us;
    int64_t drift_ppm;
    uint64_t wall_offset_ms; /* wall time at world's time 0, as this node believes it */
    int64_t wall_error_ms;   /* of its whole life, besides */
};

struct sim_clock { /* one a thread */
    struct clock clock;
    const struct event_queue *queue; /* borrows */
    const struct sim_time *time;     /* borrows */
    uint64_t busy_until_us;
    unsigned
        stall_after_reads; /* 0: none; else the thread is stopped at that reading of the clock... */
    uint64_t stall_us;     /* ...for so long */
};

#define SIM_WALL_START_MS ((uint64_t)1790000000000)

void sim_time_init(struct sim_time *time, uint64_t now_us, uint64_t local_us, int64_t drift_ppm);
void sim_time_set_drift(struct sim_time *time, uint64_t now_us,
                        int64_t drift_ppm); /* the clock goes on without a jump */
uint64_t sim_time_local_us(const struct sim_time *time, uint64_t now_us);
/* The world's time at which the node's monotonic clock shows local_us or just past it. */
uint64_t sim_time_world_us(const struct sim_time *time, uint64_t local_us);

void sim_clock_init(struct sim_clock *clock, const struct event_queue *queue,
                    const struct sim_time *time);
uint64_t sim_clock_now_us(
    const struct sim_clock *clock); /* world's time as far as this thread is concerned */
void sim_clock_hold(struct sim_clock *clock, uint64_t pause_us);
