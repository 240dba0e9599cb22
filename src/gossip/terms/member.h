/* A member, as the outside sees it: who it is, where, does it live, and what this node found out
 * about it by talking to it. */
#pragma once
#include "base/bytes.h"
#include "gossip/terms/limits.h"

struct gossip_address {
    char host[GOSSIP_HOST_MAXIMUM]; /* IPv4 or IPv6 as text */
    uint16_t port;
};

static inline bool gossip_address_equal(const struct gossip_address *a,
                                        const struct gossip_address *b) {
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

/* GOSSIP_JOINING: a newcomer that is still getting its copy of the state. It lives, but accuses
 * nobody, and nobody relies on it. */
enum gossip_member_state { GOSSIP_ALIVE, GOSSIP_SUSPECT, GOSSIP_DEAD, GOSSIP_LEFT, GOSSIP_JOINING };
enum { GOSSIP_STATE_COUNT = GOSSIP_JOINING + 1 };
static inline bool gossip_state_is_live(enum gossip_member_state state) {
    return state == GOSSIP_ALIVE || state == GOSSIP_SUSPECT || state == GOSSIP_JOINING;
}

/* Who a member is, one life at one address, and who said last what is believed of it. Never
 * changes: a change is another one. Shared by all who believe the same. */
struct gossip_identity {
    uint8_t uuid[GOSSIP_UUID_BYTES];
    uint64_t generation;
    uint64_t incarnation; /* raised by the member to refute a suspicion; within its generation */
    uint64_t created_us;  /* when that was said, by the wall clock of who said it; 0: not known */
    uint8_t said_by[GOSSIP_UUID_BYTES]; /* of the suspect and the dead; zeros: not known */
    struct gossip_address address;
    char name[64];
};

/* What this node found out about a member by talking to it, not by being told. */
struct gossip_contact {
    uint64_t round_trip_us; /* last measured; 0: never */
    uint64_t heard_us;      /* last direct contact; 0: never */
    /* How far its wall clock is ahead of this node's, as measured last, and the largest error that
     * this can have; error 0: not measured. For people: nothing may be decided by it. */
    int64_t clock_offset_us;
    uint64_t clock_error_us;
};

struct gossip_member {
    const struct gossip_identity *who;
    const struct gossip_contact *contact; /* never NULL; all zeros when there was none */
    uint64_t state_since_us;
    enum gossip_member_state state;
    uint16_t seat, place; /* for gossip/ itself: roster.h says where it stands */
};
