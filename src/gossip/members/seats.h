/* Some of the members, in an order of their own: the live ones by rotation, the graves. A member
 * sits on one seat as long as it is known, which is its place among all members; its number takes a
 * quarter of what a pointer would.
 *
 *     all members    0: this node   1: a   2: b   3: c   4: d
 *     live           [ 4 2 ]        by lot: d at place 0, b at place 1
 *     graves         [ 1 3 ]
 *
 * A member is at one place of one of them at the most, and knows it (`shown.place`). */
#pragma once
#include "gossip/terms/member.h"

struct member;

struct seats {
    uint16_t *seats;
    size_t count, capacity;
};

void seats_add(struct seats *seats, struct member *member); /* at the last place */
/* There from now on; whoever was there is elsewhere, or out of it. */
void seats_put(struct seats *seats, size_t place, struct member *member);
static inline struct member *seats_at(const struct seats *seats, struct member *const *members,
                                      size_t place) {
    return members[seats->seats[place]];
}
/* Each seat has another number now. */
void seats_renumber(struct seats *seats, const uint16_t *numbers);
void seats_release(struct seats *seats);
