/* What must hold at the end of a run, when all is calm: every shard has the replicas that the
 * topology wants, all have applied everything and hold the same data, every node knows
 * the newest topology, every thread follows the settings of all nodes, and a node that was taken
 * out or given up has ended. */
#pragma once
#include "sim/cluster/simulation.h"

/* Lets time go on until it is so. False if it does not come to that, with what is still missing, or
 * if something failed meanwhile. */
bool ending_await(struct simulation *simulation, struct buffer *problem);
