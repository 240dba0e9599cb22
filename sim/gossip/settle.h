/* A crowd in which everybody knows everybody, without the hours of work that ten thousand joins
 * take: all are started, told of all by one writing of FILL datagrams, and given time to fall
 * silent. */
#pragma once
#include "sim/gossip/crowd.h"

/* Starts all nodes. Ends with CHECK if they do not settle: the scenario would measure nothing. */
void settle_all(struct crowd *crowd);
