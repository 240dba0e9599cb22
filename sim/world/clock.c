#include "sim/world/clock.h"

enum { PPM = 1000000 };

void sim_time_init(struct sim_time *time, uint64_t now_us, uint64_t local_us, int64_t drift_ppm) {
    *time = (struct sim_time){.since_us = now_us,
                              .local_us = local_us,
                              .drift_ppm = drift_ppm,
                              .wall_offset_ms = SIM_WALL_START_MS};
}

uint64_t sim_time_local_us(const struct sim_time *time, uint64_t now_us) {
    uint64_t passed_us = now_us - time->since_us;
    return time->local_us + passed_us * (uint64_t)(PPM + time->drift_ppm) / PPM;
}

uint64_t sim_time_world_us(const struct sim_time *time, uint64_t local_us) {
    if (local_us <= time->local_us)
        return time->since_us;
    uint64_t rate = (uint64_t)(PPM + time->drift_ppm);
    unsigned __int128 scaled = (unsigned __int128)(local_us - time->local_us) * PPM + rate - 1;
    uint64_t passed_us =
        scaled / rate > UINT64_MAX / 2 ? UINT64_MAX / 2 : (uint64_t)(scaled / rate);
    return time->since_us + passed_us;
}

void sim_time_set_drift(struct sim_time *time, uint64_t now_us, int64_t drift_ppm) {
    time->local_us = sim_time_local_us(time, now_us);
    time->since_us = now_us;
    time->drift_ppm = drift_ppm;
}

uint64_t sim_clock_now_us(const struct sim_clock *clock) {
    uint64_t now_us = clock->queue->now_us;
    return clock->busy_until_us > now_us ? clock->busy_until_us : now_us;
}

/* Who is stopped already is not stopped for longer: pauses do not add up. */
void sim_clock_hold(struct sim_clock *clock, uint64_t pause_us) {
    uint64_t until_us = clock->queue->now_us + pause_us;
    if (clock->busy_until_us < until_us)
        clock->busy_until_us = until_us;
}

/* A process can be stopped between any two of its instructions; only what it does with the time it
 * read shows. */
static void clock_stall(struct sim_clock *clock) {
    if (clock->stall_after_reads == 0 || --clock->stall_after_reads > 0)
        return;
    clock->busy_until_us = sim_clock_now_us(clock) + clock->stall_us;
}

static uint64_t clock_monotonic_us(struct clock *base) {
    struct sim_clock *clock = (struct sim_clock *)(void *)base;
    uint64_t local_us = sim_time_local_us(clock->time, sim_clock_now_us(clock));
    clock_stall(clock);
    return local_us;
}

static uint64_t clock_wall_us(struct clock *base) {
    struct sim_clock *clock = (struct sim_clock *)(void *)base;
    uint64_t offset_ms = clock->time->wall_offset_ms + (uint64_t)clock->time->wall_error_ms;
    return offset_ms * 1000 + sim_clock_now_us(clock);
}

static uint64_t clock_wall_ms(struct clock *base) { return clock_wall_us(base) / 1000; }

void sim_clock_init(struct sim_clock *clock, const struct event_queue *queue,
                    const struct sim_time *time) {
    *clock = (struct sim_clock){.clock = {.monotonic_us = clock_monotonic_us,
                                          .wall_ms = clock_wall_ms,
                                          .wall_us = clock_wall_us},
                                .queue = queue,
                                .time = time};
}
