/* Members and their records: who is in, and which of two pieces of news of a member is newer.
 *
 *     JOINING
 *        |  joining_end(): it has its copy
 *        v
 *      ALIVE ------ suspicion_accuse() ------> SUSPECT ------ suspicion_expire() ------> DEAD
 *        ^              a probe failed            |             its time is up            |
 *        |                                        |                                       |
 *        +--------- suspicion_refute() -----------+---------------------------------------+
 *                   by the member itself: a higher incarnation
 *
 *     any but LEFT -- gossip_leave(), by the member itself --> LEFT, final for its generation
 *     any -- gossip_new() with a higher generation --> JOINING: the next life
 *
 * What one node decides, the others hear: member_hear() takes each of these arrows for them, if the
 * record is newer. The dead and the left are graves: kept for GOSSIP_GRAVE_US,
 * so that no old news can bring them back, and then forgotten. A death of somebody unknown is no
 * news. */
#pragma once
#include "gossip/instance.h"

struct member *member_find(const struct gossip *gossip, const uint8_t uuid[GOSSIP_UUID_BYTES]);
static inline bool member_is_live(const struct member *member) {
    return gossip_state_is_live(member->shown.state);
}
/* How many live, this node with them. */
static inline size_t member_live_count(const struct gossip *gossip) {
    return gossip_live_count(gossip) + 1;
}

void member_record(const struct member *member, struct codec_record *record);
/* What orders records of one UUID: by generation, left, incarnation, state. Negative when `a` is
 * older than `b`. */
struct member_life {
    uint64_t generation, incarnation;
    enum gossip_member_state state;
};
int member_compare_lives(const struct member_life *a, const struct member_life *b);
static inline struct member_life member_life_of(const struct member *member) {
    return (struct member_life){.generation = member->shown.who->generation,
                                .incarnation = member->shown.who->incarnation,
                                .state = member->shown.state};
}
/* Hears a record of the member, or of a stranger (NULL); passes it on if it is news and
 * `is_told_on`. */
void member_hear(struct gossip *gossip, struct member *member, const struct codec_record *record,
                 bool is_told_on);
void member_set_state(struct gossip *gossip, struct member *member, enum gossip_member_state state);
/* What is believed of the member now was said then, by the wall clock of who said it. */
void member_stamp(struct gossip *gossip, struct member *member, uint64_t created_us);
/* Of this node itself, by itself: a new incarnation, as of now. */
void member_raise(struct gossip *gossip, uint64_t incarnation);
/* Of a suspect: who accused it last, and when. */
void member_accused(struct gossip *gossip, struct member *member,
                    const uint8_t accuser[GOSSIP_UUID_BYTES], uint64_t created_us);
/* To be called after every change of what the hash covers. */
void member_rehash(struct gossip *gossip, struct member *member);
/* Up to `wanted` live others by lot, but not `but` (may be NULL); returns how many. */
size_t member_choose(struct gossip *gossip, const struct member *but, size_t wanted,
                     struct member **out);
/* Forgets the graves whose time is over. Called before anything else of a step, while nobody holds
 * pointers. */
void member_forget_graves(struct gossip *gossip);
void member_log(const struct gossip *gossip, enum log_level level, const char *what,
                const struct member *member);
