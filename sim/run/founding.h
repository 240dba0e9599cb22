/* The founding of a run's cluster: every node is given the same topology, as `trothdb cluster
 * create` does, and must take it. */
#pragma once
#include "sim/cluster/simulation.h"

struct founder;
struct founder *founder_new(struct simulation *simulation); /* sends it */
void founder_free(struct founder *founder);
bool founder_is_done(const struct founder *founder); /* every node took it */
