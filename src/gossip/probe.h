/* Probes in flight: SWIM's failure detector.
 *
 *     at once            PING ------------------------ ACK: it lives
 *     patience           PING again, and again           (observer_patience_us())
 *     twice that         ASK to 3 others, of which one   ACK of the helper: it lives
 *                        is of another zone than this    (or NACK: the helper is well, and
 *                        node; each pings it for us      cannot say)
 *     1.25 timeouts      try it by a stream ---------- GOSSIP_CONTACT: it lives, and only
 *                                                        datagrams are lost
 *     2 timeouts         nobody has answered: suspect, and told so
 *
 * The timeout is gossip_timing's probe_timeout_us; all times are stretched by local health. Whom to
 * probe is observer.h's and healing.h's to say. */
#pragma once
#include "gossip/instance.h"

void probe_run(struct gossip *gossip);
uint64_t probe_deadline_us(const struct gossip *gossip);
/* Nothing is begun where a probe of the member is out, or all places are taken. */
void probe_member(struct gossip *gossip, struct member *member, bool is_observation);
void probe_grave(struct gossip *gossip, struct member *member);
/* Of whoever is there: a seed (which one), or one of the lost. */
void probe_address(struct gossip *gossip, enum probe_kind kind,
                   const struct gossip_address *address, size_t seed);
/* A ping that tells of suspects, so that whoever is asked contradicts if it knows better; nothing
 * follows if it does not answer. */
void probe_ask_about(struct gossip *gossip, const struct member *asked,
                     const struct member *const *suspects, size_t count);
/* Answers. */
void probe_acknowledged(struct gossip *gossip, const struct gossip_address *from,
                        const struct codec_message *message);
void probe_nacked(struct gossip *gossip, const struct codec_message *message);
/* A ping of our own came back to us: that address is this node's. */
void probe_met_self(struct gossip *gossip, const struct codec_message *message);
/* Another plane has heard this member directly. */
void probe_contact(struct gossip *gossip, const uint8_t uuid[GOSSIP_UUID_BYTES]);
void probe_forget(struct gossip *gossip, const struct member *member);
/* This node slept: what is in flight says nothing, or, after a nap, a little later. */
void probe_cancel_all(struct gossip *gossip);
void probe_postpone(struct gossip *gossip, uint64_t lag_us);
