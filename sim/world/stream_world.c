#include "sim/world/stream_world.h"

uint64_t stream_world_delay_us(struct stream_world *world) {
    const struct sim_weather *weather = &world->weather;
    uint64_t delay_us =
        random_between(world->random, weather->least_delay_us, weather->most_delay_us);
    if (weather->late > 0 && random_chance(world->random, weather->late))
        delay_us += random_below(world->random, weather->late_us + 1);
    return delay_us;
}
