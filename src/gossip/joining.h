/* The first moments of a node: it gets a copy of the state, and only then takes part.
 *
 *     JOINING ---- the copy is here, joining_copied(); or all is equal already, joining_end();
 *        |         or nobody is there, joining_run() ----> ALIVE, by an incarnation of its own
 *        +-------- GOSSIP_LEAVE -------------------------> LEFT
 *
 * Until then it accuses nobody, for it may be that it cannot be reached itself; helps nobody; and
 * its word confirms no suspicion. It says so in each of its datagrams, and nobody relays it: the
 * others hear of a newcomer when it is alive. */
#pragma once
#include "gossip/instance.h"

void joining_begin(struct gossip *gossip);
/* There is somebody to wait for. */
void joining_has_seed(struct gossip *gossip);
/* A part of the copy came; when no more follows, this node is alive. */
void joining_copied(struct gossip *gossip);
/* Alive now, if it is not yet. */
void joining_end(struct gossip *gossip);
void joining_run(struct gossip *gossip);
