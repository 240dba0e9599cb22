/* For who steps thousands of instances in one thread, as a simulator does: little of them is in the
 * processor's caches, and to wait for one line of memory after the other is most of what a step
 * takes. What a few steps will touch can be asked for together, before they are made.
 *
 *     asked for in turns, of all of them in each:   instance -> rooms -> place of the member -> it
 *
 * Nothing changes by it. */
#pragma once
#include "gossip/gossip.h"

/* A step that is to come: what is asked for is mostly what it needs. Borrows. */
struct gossip_coming {
    const struct gossip *gossip;
    const uint8_t *sender; /* a UUID: it will be a datagram of this member; NULL: a tick */
};

enum { GOSSIP_COMING_MAXIMUM = 64 };
void gossip_expect(const struct gossip_coming *steps, size_t count);
