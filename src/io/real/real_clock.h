/* The machine's own clocks. */
#pragma once
#include "io/clock.h"

/* CLOCK_BOOTTIME (so that a lease does not outlive a suspended machine) and CLOCK_REALTIME. */
void clock_real_init(struct clock *clock);
