/* Members by UUID, for finding: every record and group of every datagram is looked up here. An open
 * hash table of marks and places, four bytes together, so that a miss or a hit touches little
 * memory.
 *
 *     slots    [ mark | place ] [ - ] [ mark | place ] ...      place: in gossip->members, plus 1
 *
 * Nothing is taken out of it: when members are forgotten, it is filled anew. */
#pragma once
#include "gossip/terms/member.h"

struct member;

struct index {
    uint32_t *slots;          /* the mark in the high bits, the place in the low ones; 0: empty */
    size_t slot_count, count; /* a power of two; at most three quarters of it */
};
enum { INDEX_FIND_MAXIMUM = 32 };

void index_add(struct index *index, const uint8_t uuid[GOSSIP_UUID_BYTES], size_t position);
/* The member among `members` to whose position the UUID was added; NULL if there is none. */
struct member *index_find(const struct index *index, struct member *const *members,
                          const uint8_t uuid[GOSSIP_UUID_BYTES]);
/* Many at the same time, with what a record of each will touch: of 10,000 members little is in the
 * processor's caches, and to wait for one after the other is most of the work. At most
 * INDEX_FIND_MAXIMUM. */
void index_find_all(const struct index *index, struct member *const *members,
                    const uint8_t *const *uuids, size_t count, struct member **found);
/* The same for one of each of many tables, in steps between which others are taken: asks for the
 * slot; says the position of whoever stands in it, mostly the one looked for, plus 1. 0: nobody
 * does. */
void index_fetch(const struct index *index, const uint8_t uuid[GOSSIP_UUID_BYTES]);
size_t index_guess(const struct index *index, const uint8_t uuid[GOSSIP_UUID_BYTES]);
void index_clear(struct index *index);
void index_release(struct index *index);
