/* What members say of themselves: keys with values. Each change takes the member's next version,
 * and an entry leaves only when a newer one of its key comes. So the entries a member has are a
 * chain of versions with gaps, and each entry is sent with the version before it in the chain:
 *
 *     said:   color=red @1   size=1 @2   color=blue @3
 *     the chain:             size @2 (after 0)   color @3 (after 2)
 *
 * A receiver that knows all up to 0 and hears `size @2 (after 0)` knows all up to 2. One that hears
 * `color @3 (after 2)` first keeps the value, but still knows all only up to 0, and so its next
 * comparison with anybody asks for the rest.
 *
 * Removals are entries too, for an hour or as set; then the member forgets them by raising its
 * floor to their version. Whoever does not know all up to the floor may hold a key whose removal it
 * will never hear of: it starts over (a reset). It goes on showing what it has, hears the chain
 * from 0, and drops what the chain no longer has. Old news from somebody with a lower floor is not
 * believed, so a removed key stays removed.
 *
 * All members together may say GOSSIP_STATE_BYTES_MAXIMUM. What does not fit is not kept and not
 * known: nobody is told that there is nothing between what came before and after it, and the next
 * comparisons ask for it again, some seconds apart (compare.h), until keys or graves have gone. */
#pragma once
#include "gossip/instance/instance.h"

/* This node says so. ERR_LIMIT, ERR_INVALID: a key or value that is too long or empty, or too many
 * keys. */
int state_set(struct gossip *gossip, struct bytes key, struct bytes value,
              enum gossip_priority priority) MUST_CHECK;
/* Forgets everything that the member said: a new life begins. */
void state_clear(struct gossip *gossip, struct member *member);
/* What is said of a member by somebody. `priority`: with which news of it is told on; NULL: not at
 * all. */
void state_hear(struct gossip *gossip, const struct codec_wire *wire,
                const struct codec_group *group, const enum gossip_priority *priority);
/* There may not be room for one more entry of others. */
bool state_is_full(const struct gossip *gossip);
/* This node's own removals whose time is over. */
void state_forget_removed(struct gossip *gossip);
