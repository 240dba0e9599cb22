/* What a seed stands for: how many nodes, workers, shards and clients, with which settings, and
 * what the run is about. */
#pragma once
#include "sim/cluster/simulation.h"

struct simulation *simulation_new(const struct simulation_options *options);
void simulation_free(struct simulation *simulation);
