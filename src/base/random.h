/* A seeded random source (xoshiro256++, seeded by splitmix64). Never reads the world: the caller
 * brings the seed. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct random {
    uint64_t state[4];
};

void random_init(struct random *random, uint64_t seed);
uint64_t random_next(struct random *random);
uint64_t random_below(struct random *random, uint64_t bound); /* uniform in [0, bound); bound > 0 */
uint64_t random_between(struct random *random, uint64_t low,
                        uint64_t high);    /* uniform in [low, high], inclusive */
double random_unit(struct random *random); /* uniform in [0, 1) */
bool random_chance(struct random *random, double probability);
