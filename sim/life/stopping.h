/* A node that is stopped in good order, as by SIGTERM: it gives its leads away, finishes what is in
 * flight, says goodbye to the members of gossip, ends, and starts again some time later. As in
 * server/lifetime.h, which does the same to a process. */
#pragma once
#include "sim/cluster/node.h"

/* Nothing happens if it is down, or stopping already. */
void stopping_begin(struct sim_node *node);
