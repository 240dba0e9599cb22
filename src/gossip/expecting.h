/* For who steps thousands of instances in one thread, as a simulator does: little of them is in the
 * processor's caches, and to wait for one line of memory after the other is most of what a step
 * takes. What steps to come will touch can be asked for before they are made, in turns, each of
 * which looks at what the one before it has asked for:
 *
 *     instance -> its rooms, a slot of its index -> the place of the member -> it -> who it is
 *
 * Between two turns of the same steps others are made, so that memory works while they reckon.
 * Nothing changes by it. */
#pragma once
#include "gossip/gossip.h"

/* A step that is to come: what is asked for is mostly what it needs. Borrows. */
struct gossip_coming {
    const struct gossip *gossip;
    const uint8_t *sender; /* a UUID: it will be a datagram of this member; NULL: a tick */
    size_t position;       /* of that member, plus 1: found in one turn for the next; at first 0 */
};

enum { GOSSIP_EXPECT_TURNS = 5 };
/* Turn 0 is the first. Any may be left out, for what follows is then only slower. */
void gossip_expect(struct gossip_coming *steps, size_t count, unsigned turn);
