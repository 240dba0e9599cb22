/* Streams: may one be asked of somebody, or given? What digest.h, asking.h and serving.h share. */
#pragma once
#include "gossip/instance/instance.h"

/* May this node ask who is at that address for a stream, now? */
bool streams_may_ask(const struct gossip *gossip, const struct gossip_address *whom);
/* Is one under way that it asked for? */
static inline bool streams_is_asking(const struct gossip *gossip) {
    return gossip->asking.stream != 0;
}
/* Whoever is there is not asked for so long. */
void streams_shun(struct gossip *gossip, const struct gossip_address *whom, uint64_t for_us);
/* Does the sender of a DIGEST or PULL take streams, and does this node give them? */
bool streams_may_give(const struct gossip *gossip, const struct codec_message *message);
