/* Where members stand. Each has a seat among `members` (as they came, this node first) and a place
 * in `order` (by UUID); while another one lives it is in the rotation as well. All of it in
 * constant or logarithmic time, but for forgetting: that happens once in a while, for many at once,
 * and gives all that stay new seats.
 *
 *     rotation    [ probed this round ... | next ... ]      in an order by lot, shuffled at the end
 *
 * `place` of a member is where it stands in the rotation, or, when it is dead, among the graves. */
#pragma once
#include "gossip/instance/instance.h"

/* Takes a place for a member that lives nowhere yet: state GOSSIP_LEFT. NULL when
 * GOSSIP_MEMBER_MAXIMUM are known. */
struct member *roster_add(struct gossip *gossip, const struct codec_record *record);
/* Some of the first `seat_count` seats are empty: all members move up, in their order. */
void roster_close_ranks(struct gossip *gossip, size_t seat_count);
void roster_release(struct gossip *gossip); /* once all are forgotten */

struct member *member_find(const struct gossip *gossip, const uint8_t uuid[GOSSIP_UUID_BYTES]);
/* Up to `wanted` live others by lot, but not `but` (may be NULL); returns how many. */
size_t member_choose(struct gossip *gossip, const struct member *but, size_t wanted,
                     struct member **out);
/* How many live, this node with them. */
static inline size_t member_live_count(const struct gossip *gossip) {
    return gossip_live_count(gossip) + 1;
}

/* Its life begins, or ends. The node itself is not in it. */
void rotation_add(struct gossip *gossip, struct member *member);
void rotation_remove(struct gossip *gossip, const struct member *member);
/* The next to probe: everybody once a round, in an order by lot, so that a death is found within
 * two rounds (SWIM 4.3). NULL: nobody else lives. */
struct member *rotation_turn(struct gossip *gossip);

/* Members called dead (healing.h). */
void graves_add(struct gossip *gossip, struct member *member);
void graves_remove(struct gossip *gossip, const struct member *member);
struct member *graves_at(const struct gossip *gossip, size_t place);

/* This node heard the member itself: where to write what it found out. */
struct contact *roster_contact(struct member *member);
void roster_forget_contact(struct member *member); /* that was with an earlier life */
