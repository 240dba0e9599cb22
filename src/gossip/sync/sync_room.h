/* What sync/ keeps of an instance. Nobody outside of sync/ looks into it. */
#pragma once
#include "base/containers/list.h"
#include "gossip/instance/instance.h"

enum {
    GOSSIP_REFERRALS =
        8, /* others that a newcomer is told of when there is no bandwidth for more */
    GOSSIP_SYNC_DATAGRAMS =
        32 /* in answer to one datagram of a comparison; the rest comes with the next one */
};

/* What an answer that was cut said that there is more of (more.h). */
struct more {
    uint64_t at_us; /* it is asked for then; GOSSIP_NEVER: nothing is */
    struct gossip_address to;
    struct partner partner;
    uint8_t first[GOSSIP_UUID_BYTES], last[GOSSIP_UUID_BYTES];
    uint64_t hash; /* of the whole when this node asked last */
    unsigned rounds;
};

/* A place among the streams served, kept for who was offered one (serving.h). */
struct stream_offer {
    uint8_t uuid[GOSSIP_UUID_BYTES];
    uint64_t until_us;
};

/* Of a newcomer to the first that answered it (joining.h). */
struct greeting {
    uint64_t digest_us; /* 0: nobody has answered yet; GOSSIP_NEVER: it is sent */
    struct gossip_address to;
    struct partner partner;
};

struct sync_room {
    /* joining.c */
    uint64_t joining_us;   /* alive then, whatever it knows; GOSSIP_NEVER: it is already */
    uint64_t joining_hash; /* of a whole copy, as who sent it says; once has_joining_hash */
    bool has_joining_hash;

    /* asking.c, serving.c */
    uint64_t asked_count; /* numbers the streams asked for */
    struct list servings; /* struct serving */
    struct stream_offer offers[GOSSIP_STREAMS_SERVED_MAXIMUM];

    /* digest.c */
    uint64_t full_us; /* where there is no room, nothing is asked for before this */

    /* joining.c, more.c */
    struct greeting greeting;
    struct more more;
};

struct sync_room *sync_room_new(void); /* returns owned */
/* What most steps look at is asked for (expecting.h). */
void sync_room_fetch(const struct sync_room *room);
/* Once no stream is served. */
void sync_room_free(struct sync_room *room);
