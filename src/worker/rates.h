/* How much a worker does a second, over the last second and a half: a sample of its counters comes
 * with each tick (100 ms), and the oldest of those that are kept is compared with the newest. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { RATES_SAMPLES = 16 };

struct rates_sample {
    uint64_t at_us, commands, input_bytes, output_bytes;
};

struct rates {
    struct rates_sample samples[RATES_SAMPLES]; /* a ring */
    size_t count, next;
};

/* A counter that went back was set to zero (CONFIG RESETSTAT): what is kept is forgotten. */
void rates_add(struct rates *rates, const struct rates_sample *sample);
/* All zero until there are two samples; `at_us` is the time between them. */
struct rates_sample rates_per_second(const struct rates *rates);
