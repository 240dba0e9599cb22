/* The door to time. Two clocks: one that never jumps, for deadlines and leases, and the wall's, for
 * expiry and logs. */
#pragma once
#include <stdint.h>

struct clock {
    uint64_t (*monotonic_us)(struct clock *clock); /* counts suspended time (CLOCK_BOOTTIME) */
    uint64_t (*wall_ms)(struct clock *clock);      /* Unix time; may jump */
    uint64_t (*wall_us)(struct clock *clock);      /* the same, finer */
};
