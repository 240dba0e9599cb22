/* Whom this node watches, and when.
 *
 * All live members stand on GOSSIP_RINGS rings, on each in another order: by a hash of the ring and
 * the UUID. On each ring a node watches the one before it. So everybody has the same few observers
 * for as long as its neighbours stay, two nodes hardly ever share them all, and who comes or goes
 * changes nothing but its neighbours' watch (Rapid: Suresh et al. 2018, 4.1).
 *
 *     ring 0   ... -> c -> SELF -> f ...        SELF watches c, f watches SELF
 *     ring 1   ... -> a -> SELF -> c ...        SELF watches a, c watches SELF
 *
 * Each is probed every OBSERVE_INTERVALS intervals. Its observers have no common clock; so whoever
 * is watched says in its answer how long before another one had asked, and each moves its own turn
 * towards an equal share of the time (DESYNC: Degesys et al. 2007): a death meets the next probe
 * within a fourth of the time, not within all of it. An observer that hears of a suspicion of its
 * member looks at once, so that independent accusers agree soon, or contradict.
 *
 * Where many die at once, some die with all their observers. So whoever watches a suspect looks at
 * once at whom that one watched, on the same ring, and if this is a suspect as well at the next
 * before it, but only where somebody else accuses them, too: a node that hears nobody must not walk
 * along the rings. And at each suspect a few look who stand nowhere near it, by lot.
 *
 *     ring 0   ... -> b -> c -> SELF            c is a suspect: SELF looks at b
 *
 * Beside this, one member by lot is probed each interval: that bridges views of the cluster that
 * differ, and compares the state with everybody in turn. */
#pragma once
#include "gossip/instance.h"

void observer_init(struct gossip *gossip); /* after this node itself is a member */
void observer_run(struct gossip *gossip);
uint64_t observer_deadline_us(const struct gossip *gossip);
void observer_member_came(struct gossip *gossip, struct member *member);
void observer_member_went(struct gossip *gossip, const struct member *member);
/* This member is a suspect now. */
void observer_look_at(struct gossip *gossip, struct member *member);
/* One more accuses the suspect. */
void observer_accused(struct gossip *gossip, const struct member *suspect);
/* How long to wait for an answer of the member before it is pinged again, from its round trips so
 * far, as TCP does (RFC 6298); bounded by the probe timeout, and a fourth of it. */
uint64_t observer_patience_us(const struct gossip *gossip, const struct member *member);
void observer_measured(struct gossip *gossip, const struct member *member, uint64_t round_trip_us);
/* The answer to an observation: so long before, somebody else had asked. */
void observer_shift(struct gossip *gossip, const struct member *member, unsigned phase_ms);
/* An observer pinged this node; what is to be said of it in the answer. */
uint16_t observer_pinged_ms(struct gossip *gossip, const uint8_t observer[GOSSIP_UUID_BYTES]);
/* The settings have changed. */
void observer_reschedule(struct gossip *gossip);
