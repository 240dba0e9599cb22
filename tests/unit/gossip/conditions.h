/* What tests wait for with world_run_until(): by custom node 1 says "color", and node 2 goes. */
#pragma once
#include "world.h"

static inline bool color_is_red(struct world *world) {
    return world_all_know(world, 1, "color", "red");
}
static inline bool color_is_gone(struct world *world) {
    return world_all_know(world, 1, "color", "");
}
static inline bool two_is_dead(struct world *world) {
    return world_all_believe(world, 2, GOSSIP_DEAD);
}
static inline bool two_has_left(struct world *world) {
    return world_all_believe(world, 2, GOSSIP_LEFT);
}
