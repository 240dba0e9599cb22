/* Pings and their answers, as they are written: what each carries beside its number. Who pings
 * whom, and what follows when no answer comes, is probe.h's, relay.h's and doubt.h's to say.
 *
 *     PING   hash of the whole state, and whether to say what differs; suspects that the sender
 *            has, to be contradicted; news
 *     ACK    hash; what differs (hash.h); how to shift the turns of observation; coordinate;
 *            who contradicts; news */
#pragma once
#include "gossip/instance/instance.h"

struct ping {
    const struct member *to; /* NULL: who is there may not be known */
    uint64_t sequence;
    const uint8_t *target; /* NULL: whoever is there */
    bool is_observation;
    const struct member *const *first; /* records that it carries in any case */
    size_t first_count;
};

void ping_send(struct gossip *gossip, const struct ping *ping, const struct gossip_address *to);
/* One that tells of suspects, so that whoever is asked contradicts if it knows better; nothing
 * follows if it does not answer. */
void ping_about(struct gossip *gossip, const struct member *asked,
                const struct member *const *suspects, size_t count);
/* Answers a ping, if it is meant for this node. */
void ping_answer(struct gossip *gossip, const struct gossip_address *from,
                 const struct codec_message *message);
/* One by a life that may be a recording: whoever it is, now or never, learns who is here and in
 * which life, and nothing is learned of it (replay.h). */
void ping_answer_unproven(struct gossip *gossip, const struct gossip_address *from,
                          const struct codec_message *message);
