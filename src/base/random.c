#include "base/random.h"
#include "base/check.h"

/* splitmix64 (Steele, Lea, Flood 2014): spreads one seed over the state, which must not be all
 * zero. */
static uint64_t random_split(uint64_t *seed) {
    uint64_t value = *seed += 0x9e3779b97f4a7c15u;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

void random_init(struct random *random, uint64_t seed) {
    for (int i = 0; i < 4; i++)
        random->state[i] = random_split(&seed);
}

static uint64_t rotate_left(uint64_t value, unsigned bits) {
    return (value << bits) | (value >> (64 - bits));
}

/* xoshiro256++ 1.0 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2019).
 */
uint64_t random_next(struct random *random) {
    uint64_t *state = random->state;
    uint64_t result = rotate_left(state[0] + state[3], 23) + state[0];
    uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate_left(state[3], 45);
    return result;
}

/* Multiply and take the high half (Lemire 2019): the draws that would make some values likelier
 * than others are drawn again. Which these are takes a division, that most draws can do without. */
uint64_t random_below(struct random *random, uint64_t bound) {
    CHECK(bound > 0);
    unsigned __int128 product = (unsigned __int128)random_next(random) * bound;
    if ((uint64_t)product < bound) {
        uint64_t threshold = -bound % bound;
        while ((uint64_t)product < threshold)
            product = (unsigned __int128)random_next(random) * bound;
    }
    return (uint64_t)(product >> 64);
}

uint64_t random_between(struct random *random, uint64_t low, uint64_t high) {
    CHECK(low <= high);
    uint64_t span = high - low + 1;
    return span == 0 ? random_next(random) : low + random_below(random, span);
}

double random_unit(struct random *random) {
    return (double)(random_next(random) >> 11) * 0x1.0p-53;
}

bool random_chance(struct random *random, double probability) {
    return random_unit(random) < probability;
}
