/* The keys under which a node says something: some are its own, the others are for users to set. */
#pragma once
#include "base/buffer.h"
#include "gossip/gossip.h"

/* Of one node. Of those that gossip tells of it the rest is kept free for its own. */
enum { GOSSIP_USER_KEYS_MAXIMUM = 112 };

/* Is this key said by the node itself, and not to be set by anybody else? */
bool gossip_key_is_own(struct bytes key);
/* May somebody say key = value of this node? 0; ERR_INVALID, ERR_LIMIT or ERR_REFUSED with a
 * sentence in `problem`. An empty value is refused: it would remove the key. */
int gossip_key_check(const struct gossip *gossip, struct bytes key, struct bytes value,
                     struct buffer *problem) MUST_CHECK;
