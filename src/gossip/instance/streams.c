#include "gossip/instance/streams.h"

/* One told to speak as an older release does not. */
static bool streams_are_spoken(const struct gossip *gossip) {
    return gossip->has_streams && gossip->timing.stream_min_bytes > 0 &&
           gossip->timing.wire_maximum > 0;
}

bool streams_may_ask(const struct gossip *gossip, const struct gossip_address *whom) {
    if (!streams_are_spoken(gossip) || streams_is_asking(gossip))
        return false;
    for (size_t i = 0; i < GOSSIP_SHUNNED_MAXIMUM; i++)
        if (gossip->shunned[i].until_us > gossip->now_us &&
            gossip_address_equal(&gossip->shunned[i].address, whom))
            return false;
    return true;
}

/* In the place of the one whose time is over first. */
void streams_shun(struct gossip *gossip, const struct gossip_address *whom, uint64_t for_us) {
    struct shunned *place = gossip->shunned;
    for (size_t i = 0; i < GOSSIP_SHUNNED_MAXIMUM; i++)
        if (gossip->shunned[i].until_us < place->until_us)
            place = &gossip->shunned[i];
    *place = (struct shunned){.address = *whom, .until_us = gossip->now_us + for_us};
}

bool streams_may_give(const struct gossip *gossip, const struct codec_message *message) {
    return message->has_stream && streams_are_spoken(gossip);
}
