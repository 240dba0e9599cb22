/* A member: what is known of it, its record, and which of two lives is the newer one. */
#pragma once
#include "base/log.h"
#include "gossip/measure/clock_offset.h"
#include "gossip/terms/member.h"
#include "gossip/wire/codec.h"
#include <assert.h>

struct chain;
struct news;
struct suspicion;

/* What this node found out about a member by talking to it, in this life of its. */
struct contact {
    struct gossip_contact shown; /* first: the outside sees only this */
    struct clock_offset clock;
    uint8_t wire_version; /* newest that it said it reads */
};
static_assert(sizeof(struct contact) <= 64, "in time there is one for every other member");

struct member {
    struct gossip_member shown;  /* first: the outside sees only this */
    uint64_t digest_hash;        /* its part of the hash of the whole */
    struct chain *chain;         /* what it says of itself, as far as it is known; held */
    struct news *news;           /* of it, waiting; mostly there is none */
    struct suspicion *suspicion; /* NULL unless it is a suspect */
};
/* A simulator holds a hundred million of these. */
static_assert(sizeof(struct member) <= 64, "a member known must stay small");

static inline const struct contact *contact_of(const struct member *member) {
    return (const struct contact *)(const void *)member->shown.contact; /* it is the first there */
}

/* Of whom the outside sees this. */
static inline const struct member *member_behind(const struct gossip_member *shown) {
    return (const struct member *)(const void *)shown; /* it is the first there */
}
static inline bool member_is_live(const struct member *member) {
    return gossip_state_is_live(member->shown.state);
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
void member_log(const struct log *log, enum log_level level, const char *what,
                const struct member *member);
