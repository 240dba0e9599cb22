/* Do the checks find what they are for? Turns on each planted fault in turn (base/planted.def, in
 * builds with -Dplanted=true) and runs seeds until one fails. */
#pragma once
#include "sim/cluster/simulation.h"

/* The fault's number, or 0 if there is none of that name (or the build knows none). */
int planted_find(const char *name);
void planted_turn_on(int fault);
/* True if every fault was found within seed_count seeds; prints which seed found which. Without
 * planted faults in the build: says so and returns false. */
bool planted_find_all(const struct simulation_options *options, uint64_t seed_count);
