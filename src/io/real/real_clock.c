#include "io/real/real_clock.h"
#include "base/check.h"
#include <time.h>

static struct timespec read_clock(clockid_t id) {
    struct timespec now;
    CHECK(clock_gettime(id, &now) == 0);
    return now;
}

static uint64_t real_monotonic_us(struct clock *clock) {
    (void)clock;
    struct timespec now = read_clock(CLOCK_BOOTTIME);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t real_wall_ms(struct clock *clock) {
    (void)clock;
    struct timespec now = read_clock(CLOCK_REALTIME);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t real_wall_us(struct clock *clock) {
    (void)clock;
    struct timespec now = read_clock(CLOCK_REALTIME);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void clock_real_init(struct clock *clock) {
    *clock = (struct clock){
        .monotonic_us = real_monotonic_us, .wall_ms = real_wall_ms, .wall_us = real_wall_us};
}
