/* Members: finding and choosing them, their records, and which of two lives is the newer one. */
#pragma once
#include "gossip/instance.h"

struct member *member_find(const struct gossip *gossip, const uint8_t uuid[GOSSIP_UUID_BYTES]);
/* Up to `wanted` live others by lot, but not `but` (may be NULL); returns how many. */
size_t member_choose(struct gossip *gossip, const struct member *but, size_t wanted,
                     struct member **out);
/* Of whom the outside sees this. */
static inline const struct member *member_behind(const struct gossip_member *shown) {
    return (const struct member *)(const void *)shown; /* it is the first there */
}
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
static inline struct member_life member_life_of_record(const struct codec_record *record) {
    return (struct member_life){.generation = record->generation,
                                .incarnation = record->incarnation,
                                .state = record->state};
}
static inline struct member_life member_life_of_digest(const struct codec_digest *digest) {
    return (struct member_life){.generation = digest->generation,
                                .incarnation = digest->incarnation,
                                .state = digest->state};
}
void member_log(const struct gossip *gossip, enum log_level level, const char *what,
                const struct member *member);
