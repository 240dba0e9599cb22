/* The disk of a leader becomes slow for some seconds. More often than not nothing else goes wrong
 * meanwhile: then the lead of its shards must move away by itself, and must not wander. */
#pragma once
#include "sim/cluster/simulation.h"

struct slowness;

struct slowness *slowness_new(struct simulation *simulation);
void slowness_free(struct slowness *slowness);
/* Does nothing while the last slow disk is still slow. */
void slowness_begin(struct slowness *slowness, struct sim_node *node);
/* Should other faults keep still? */
bool slowness_wants_calm(const struct slowness *slowness);
/* Another fault happens, so nothing can be said of who leads. */
void slowness_disturb(struct slowness *slowness);
