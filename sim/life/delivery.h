/* What the network between nodes asks of them: can this thread run, and here is what came. */
#pragma once
#include "sim/cluster/simulation.h"

/* For sim_net_new(). */
struct sim_net_owner delivery_owner(struct simulation *simulation);
