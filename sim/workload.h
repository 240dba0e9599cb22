/* What clients ask: a mix over few keys, so that they get in each other's way. */
#pragma once
#include "sim/simulation.h"

/* The next operation of a client, by lot. Every value written is new, and far enough from the
 * others to count up from. */
void workload_next(struct simulation *simulation, uint32_t client, bool is_only_read,
                   struct operation *operation);
