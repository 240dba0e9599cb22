/* Probes: SWIM's failure detector, seeds, and the dead who may be back.
 *
 *     at once            PING to the next of the rotation ------------------ ACK: it lives
 *     probe_timeout      ASK to 3 others; each pings it for us ------------- ACK of the helper: it
 * lives (or NACK: the helper is well, and cannot say) probe_interval     nobody has answered:
 * suspect, and told so
 *
 * All times are stretched by local health. Seeds are probed until somebody who lives is known
 * there; one of the dead is probed now and then: so every partition heals, whichever side remembers
 * the other. */
#pragma once
#include "gossip/instance.h"

void probe_run(struct gossip *gossip);
uint64_t probe_deadline_us(const struct gossip *gossip);
/* Answers. `sender` is NULL if unknown in the generation it says. */
void probe_pinged(struct gossip *gossip, const struct gossip_address *from,
                  const struct codec_message *message);
void probe_acknowledged(struct gossip *gossip, const struct gossip_address *from,
                        const struct codec_message *message);
void probe_asked(struct gossip *gossip, const struct gossip_address *from,
                 const struct codec_message *message);
void probe_nacked(struct gossip *gossip, const struct codec_message *message);
/* A ping of our own came back to us: that seed is this node. */
void probe_met_self(struct gossip *gossip, const struct codec_message *message);
/* Another plane has heard this member directly. */
void probe_contact(struct gossip *gossip, const uint8_t uuid[GOSSIP_UUID_BYTES]);
void probe_seed(struct gossip *gossip, const struct gossip_address *address);
void probe_forget(struct gossip *gossip, const struct member *member);
/* Somebody came or went: the dead are worth a try soon. */
void probe_population_changed(struct gossip *gossip);
/* This node slept: what is in flight says nothing. */
void probe_cancel_all(struct gossip *gossip);
