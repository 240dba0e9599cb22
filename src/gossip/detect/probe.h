/* Probes in flight: SWIM's failure detector.
 *
 *     at once            PING ------------------------ ACK: it lives
 *     patience           PING again, and again           (watch_patience_us())
 *     twice that         ASK to 3 others, of which one   ACK of the helper: it lives
 *                        is of another zone than this    (or NACK: the helper is well, and
 *                        node; each pings it for us      cannot say)
 *     1.25 timeouts      try it by a stream ---------- GOSSIP_CONTACT: it lives, and only
 *                                                        datagrams are lost
 *     2 timeouts         nobody has answered: suspect, and told so
 *
 * The timeout is gossip_timing's probe_timeout_us; all times are stretched by local health. Whom to
 * probe is observer.h's and healing.h's to say, what comes of it outcome.h's. */
#pragma once
#include "gossip/detect/detect_room.h"

uint64_t probe_deadline_us(const struct gossip *gossip);
/* Nothing is begun where a probe of the member is out, or all places are taken. */
void probe_member(struct gossip *gossip, struct member *member, bool is_observation);
void probe_grave(struct gossip *gossip, struct member *member);
/* Of whoever is there: a seed (which one), or one of the lost. */
void probe_address(struct gossip *gossip, enum probe_kind kind,
                   const struct gossip_address *address, size_t seed);
/* The one that a ping of this sequence is of; NULL: none in flight. */
struct probe *probe_find(struct gossip *gossip, uint64_t sequence);
/* Pings again, asks others, tries a stream: whatever it is time for. */
void probe_go_on(struct gossip *gossip, struct probe *probe);
/* Another one takes its place among the probes in flight: walk them from the last to the first. */
void probe_end(struct gossip *gossip, struct probe *probe);
void probe_forget(struct gossip *gossip, const struct member *member);
/* This node slept: what is in flight says nothing, or, after a nap, a little later. */
void probe_cancel_all(struct gossip *gossip);
void probe_postpone(struct gossip *gossip, uint64_t lag_us);
