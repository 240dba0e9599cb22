/* Nodes that were given up, or taken out while they were down, and come back all the same, with
 * their disks. They must end when they hear what was decided.
 *
 * Where the cluster key was rotated meanwhile, one that has not the new key hears nothing, and
 * nobody hears it. Sometimes the operator has thought of that and gives it the new key first, as
 * docs/guide/security.md says; sometimes it is locked out until he looks why it is alone. */
#pragma once
#include "sim/cluster/simulation.h"

/* In so long, or once no key is changing; not if the run is nearly over then. */
void comeback_later(struct simulation *simulation, unsigned node, uint64_t after_us);
