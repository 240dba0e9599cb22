/* One run, from its first event to its last:
 *
 *   boot the nodes -> found the cluster -> [ workload and faults ] -> heal, go on working -> read
 * every key -> check */
#pragma once
#include "sim/cluster/simulation.h"

/* True: all that was to hold held. */
bool simulation_run(struct simulation *simulation);
