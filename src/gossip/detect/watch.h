/* Whom this node watches.
 *
 * All live members stand on some rings, on each in another order: by a hash of the ring and the
 * UUID. On each of its first `observers` rings a node watches the one before it; nodes that are set
 * to different numbers agree on the rings that both have. So everybody has the same few observers
 * for as long as its neighbours stay, two nodes hardly ever share them all, and who comes or goes
 * changes nothing but its neighbours' watch (Rapid: Suresh et al. 2018, 4.1).
 *
 *     ring 0   ... -> c -> SELF -> f ...        SELF watches c, f watches SELF
 *     ring 1   ... -> a -> SELF -> c ...        SELF watches a, c watches SELF
 *
 * Each is probed every OBSERVE_INTERVALS intervals. Its observers have no common clock; so whoever
 * is watched says in its answer how long before another one had asked, and each moves its own turn
 * towards an equal share of the time (DESYNC: Degesys et al. 2007): where four observe, a death
 * meets the next probe within a fourth of the time, not within all of it. What follows when it is
 * time is observer.h's to say. */
#pragma once
#include "gossip/detect/detect_room.h"

void watch_init(struct gossip *gossip);      /* after this node itself is a member */
void watch_set_rings(struct gossip *gossip); /* the settings have changed */
void watch_member_came(struct gossip *gossip, struct member *member);
void watch_member_went(struct gossip *gossip, const struct member *member);
/* The first watch of that member; in a small cluster it is the neighbour on several rings, and
 * watched once. NULL: it is not watched. */
struct watch *watch_of(struct gossip *gossip, const struct member *member);
/* The nearest before this node on the ring, suspects or not; NULL if there is none. */
struct member *watch_nearest_before(const struct gossip *gossip, unsigned ring, bool with_suspects);
/* Between two probes of one that is watched. */
uint64_t watch_turn_us(const struct gossip *gossip);
/* How long to wait for an answer of the member before it is pinged again, from its round trips so
 * far, as TCP does (RFC 6298); bounded by the probe timeout, and a fourth of it. */
uint64_t watch_patience_us(const struct gossip *gossip, const struct member *member);
void watch_measured(struct gossip *gossip, const struct member *member, uint64_t round_trip_us);
/* The answer to an observation: so long before, somebody else had asked. */
void watch_shift(struct gossip *gossip, const struct member *member, unsigned phase_ms);
/* An observer pinged this node; what is to be said of it in the answer. */
uint16_t watch_pinged_ms(struct gossip *gossip, const uint8_t observer[GOSSIP_UUID_BYTES]);
