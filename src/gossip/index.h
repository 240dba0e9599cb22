/* Members by UUID, for finding: every record and group of every datagram is looked up here. An open
 * hash table of marks and places, eight bytes each, so that a miss or a hit touches little memory.
 *
 *     slots    [ mark, place ] [ - ] [ mark, place ] ...      place: in gossip->members, plus 1
 *
 * Nothing is taken out of it: when members are forgotten, it is filled anew. */
#pragma once
#include "gossip/gossip.h"

struct member;

struct index_slot {
    uint32_t mark, place; /* place 0: empty */
};
struct index {
    struct index_slot *slots;
    size_t slot_count, count; /* a power of two; at most three quarters of it */
};

void index_add(struct index *index, const uint8_t uuid[GOSSIP_UUID_BYTES], size_t position);
/* The member among `members` to whose position the UUID was added; NULL if there is none. */
struct member *index_find(const struct index *index, struct member *const *members,
                          const uint8_t uuid[GOSSIP_UUID_BYTES]);
void index_clear(struct index *index);
void index_release(struct index *index);
