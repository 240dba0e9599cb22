/* Figures as people read them, and the clock by which the subcommands measure. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { FIGURE_BYTES = 32 };

/* 63666 as "63,666". Returns `out`. */
const char *figure_thousands(uint64_t number, char out[FIGURE_BYTES]);
/* 850 ms as "850 ms", 12 s as "12 s", 75 s as "1 min 15 s". Returns `out`. */
const char *figure_duration(uint64_t us, char out[FIGURE_BYTES]);

uint64_t figure_now_us(void); /* monotonic */
