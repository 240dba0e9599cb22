/* Where members stand. Each has a seat among `members` (as they came, this node first) and a place
 * in `order` (by UUID); while another one lives it is in the rotation as well. All of it in
 * constant or logarithmic time, but for forgetting: that happens once in a while, for many at once,
 * and gives all that stay new seats.
 *
 *     rotation    [ probed this round ... | next ... ]      in an order by lot, shuffled at the end
 *
 * `place` of a member is where it stands in the rotation, or, when it is dead, among the graves
 * (healing.h). */
#pragma once
#include "gossip/instance.h"

/* Takes a place for a member that lives nowhere yet: state GOSSIP_LEFT. NULL when
 * GOSSIP_MEMBER_MAXIMUM are known. */
struct member *roster_add(struct gossip *gossip, const struct codec_record *record);
/* Forgets those not living for which `is_over` says so: one walk over all members. */
void roster_forget(struct gossip *gossip,
                   bool (*is_over)(const struct gossip *gossip, const struct member *member));
void roster_release(struct gossip *gossip);

/* Its life begins, or ends. The node itself is not in it. */
void rotation_add(struct gossip *gossip, struct member *member);
void rotation_remove(struct gossip *gossip, const struct member *member);
/* The next to probe: everybody once a round, in an order by lot, so that a death is found within
 * two rounds (SWIM 4.3). NULL: nobody else lives. */
struct member *rotation_turn(struct gossip *gossip);

/* This node heard the member itself: where to write what it found out. */
struct contact *roster_contact(struct member *member);
void roster_forget_contact(struct member *member); /* that was with an earlier life */
