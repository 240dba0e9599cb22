/* Gossip: who is in the cluster, are they alive, what do they say of themselves. Events in, actions
 * out: no clock, no socket, no randomness but the seed. SWIM (Das, Gupta, Motivala 2002) with
 * Lifeguard's suspicion and local health (Dadgar, Phillips, Currey 2018); state spread as deltas by
 * version, as Scuttlebutt does (van Renesse 2008).
 *
 * A member is (UUID, generation); its address is an attribute, and a higher generation replaces a
 * lower one. What it says of itself are keys with values and versions; only the member itself
 * raises them. News is a hint, never a decision. */
#pragma once
#include "base/error.h"
#include "gossip/terms/actions.h"
#include "gossip/terms/counters.h"
#include "gossip/terms/event.h"
#include "gossip/terms/keys.h"
#include "gossip/terms/member.h"
#include "gossip/terms/settings.h"
#include "gossip/terms/text.h"

/* What several instances in one thread know alike, kept once (as a simulator wants it). Freed after
 * the last instance that uses it. */
struct gossip_pool;
struct gossip_pool *gossip_pool_new(void); /* returns owned */
void gossip_pool_free(struct gossip_pool *pool);

/* What several instances in one thread write with, by turns: then the actions of one are gone with
 * the next step of any. An event must not point into them. Freed after the last instance that uses
 * it. */
struct gossip_scratch;
struct gossip_scratch *gossip_scratch_new(void); /* returns owned */
void gossip_scratch_free(struct gossip_scratch *scratch);

struct gossip;
struct gossip *gossip_new(const struct gossip_options *options);
void gossip_free(struct gossip *gossip);
void gossip_step(struct gossip *gossip, const struct gossip_event *event,
                 struct gossip_actions *actions);
/* The deadline may be earlier then: to be stepped with a GOSSIP_TICK, which says. */
void gossip_set_timing(struct gossip *gossip, const struct gossip_timing *timing);

/* Members in a stable order, this node first. */
size_t gossip_member_count(const struct gossip *gossip);
const struct gossip_member *gossip_member_at(const struct gossip *gossip, size_t position);
/* The member of this UUID; NULL: it is not known. */
const struct gossip_member *gossip_member_of(const struct gossip *gossip,
                                             const uint8_t uuid[GOSSIP_UUID_BYTES]);
/* What a member says of itself; BYTES_NONE if it does not. Borrows. */
struct bytes gossip_get(const struct gossip *gossip, const struct gossip_member *member,
                        struct bytes key);
bool gossip_walk_keys(const struct gossip *gossip, const struct gossip_member *member,
                      size_t *position, struct bytes *key, struct bytes *value, uint64_t *version);
void gossip_counters(const struct gossip *gossip, struct gossip_counters *out);
/* The version of the wire that this node speaks with the member when it is well: the older of what
 * the two know; of itself, its own. -1: it has not been heard in this life of its. */
int gossip_wire_version(const struct gossip *gossip, const struct gossip_member *member);
/* "PING", "NEWS"...: the kind of a datagram, by its second byte; "unknown" if it has none. For
 * counting. Static storage. */
const char *gossip_datagram_kind(struct bytes datagram);

/* Nearness. */

/* The round trip between any two members, estimated from their coordinates (Vivaldi). False where
 * one of them has no coordinate yet, as in the first seconds of its life. */
bool gossip_round_trip_us(const struct gossip *gossip, const struct gossip_member *a,
                          const struct gossip_member *b, uint64_t *out_us) MUST_CHECK;
