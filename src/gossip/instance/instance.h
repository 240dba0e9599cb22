/* The inside of a struct gossip: what its rooms share. Nobody outside of gossip/ includes this.
 * Each field stands under the files that it belongs to. What only one of the rooms above needs is
 * kept by that room (news_room.h, detect_room.h, sync_room.h) and not known here. */
#pragma once
#include "base/random.h"
#include "gossip/instance/timing.h"
#include "gossip/members/index.h"
#include "gossip/members/member.h"
#include "gossip/members/order.h"
#include "gossip/members/pool.h"
#include "gossip/members/seats.h"
#include "gossip/terms/actions.h"
#include "gossip/terms/counters.h"
#include "gossip/terms/settings.h"
#include "gossip/wire/codec.h"
#include "gossip/wire/replay.h"
#include <assert.h>

enum {
    COMPARE_BUCKETS = CODEC_BUCKETS_MAXIMUM,
    GOSSIP_SHUNNED_MAXIMUM = 8 /* members that are not asked for streams, past it the first goes */
};
#define GOSSIP_SECOND_US UINT64_C(1000000)
#define GOSSIP_NEVER     UINT64_MAX

static inline uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

struct news_room;
struct detect_room;
struct sync_room;
struct outbox;

struct bucket {
    int64_t tokens; /* bytes that may be sent; below 0 probes alone go out */
    uint64_t filled_us;
};

/* The live others, in the order in which they are probed; shuffled at the end of each round. */
struct rotation {
    struct seats live;
    size_t next;
};

/* A life that this node speaks with; it may not be known as a member. */
struct partner {
    bool is_set;
    bool
        is_telling; /* what it says in this step is news to it as well, which it tells others too */
    uint8_t uuid[GOSSIP_UUID_BYTES];
    uint64_t generation;
};

/* What a step writes with: nothing of it outlasts the actions that point into it. */
struct gossip_scratch {
    struct codec_writer writer;
    struct buffer packed, unpacked; /* the last datagrams that were */
    struct outbox *outbox;
};

/* A stream that this node asked for (asking.h). */
struct asking {
    uint64_t stream; /* 0: none */
    uint8_t uuid[GOSSIP_UUID_BYTES];
    struct gossip_address address;
    uint64_t silent_us, end_us;
};
struct shunned {
    struct gossip_address address;
    uint64_t until_us;
};

/* What every step looks at stands together at the front, as few lines of memory as it can be: of
 * thousands of instances in one thread little stays in the processor's caches (expecting.h). */
struct gossip {
    struct gossip_timing timing; /* timing.c */
    const struct log *log;
    struct random random;
    uint64_t now_us, deadline_us;
    uint64_t wall_us; /* for others, never to decide by */
    uint64_t met_us;  /* when this node first heard anybody; 0: it has not yet */

    /* sending.c, bucket.c, packing.c */
    struct replay *replay;  /* NULL: datagrams are not sealed */
    uint64_t written_count; /* of sealed datagrams; said in each */
    struct partner partner; /* whom the datagrams of this step answer */
    struct gossip_scratch *scratch;
    struct codec_writer *writer; /* the scratch's */
    bool has_own_scratch;
    struct bucket bucket;

    /* roster.c, forgetting.c */
    bool has_own_pool;
    struct gossip_pool *pool;
    struct member *self;
    struct member **members; /* each on its seat: this node first, then as they came */
    size_t member_count, member_capacity;
    struct index index; /* the same, by UUID, for finding */
    struct order order; /* and in the order of UUIDs */
    struct rotation rotation;
    struct seats graves;                   /* members called dead */
    uint64_t grave_check_us, grave_old_us; /* the next look at them; none is old before that */

    /* hash.c */
    uint64_t hash; /* of all that live: the sum of their digest_hash */

    /* What the rooms above keep here; each looks into its own only. */
    struct news_room *news;
    struct detect_room *detect;
    struct sync_room *sync;

    /* Measured in this step. */
    uint64_t round_trip_us, detection_us, clock_skew_us;
    bool is_clock_measured;
    size_t propagation_count;

    /* streams.c, and whether a comparison may be begun: pings ask for it as well */
    bool has_streams;
    uint64_t compared_us; /* when the last comparison was begun; 0: none was */

    struct gossip_counters counters; /* those of every step first */

    /* What few steps look at, of the same files. */
    struct asking asking;
    struct shunned shunned[GOSSIP_SHUNNED_MAXIMUM];
    uint64_t buckets[COMPARE_BUCKETS]; /* the hash, by the first bits of their UUIDs */
    struct gossip_propagation propagations[GOSSIP_PROPAGATION_MAXIMUM];
};

/* The live others, by their places in the rotation. */
static inline size_t gossip_live_count(const struct gossip *gossip) {
    return gossip->rotation.live.count;
}
static inline struct member *gossip_live(const struct gossip *gossip, size_t place) {
    return seats_at(&gossip->rotation.live, gossip->members, place);
}

/* A node in bad health itself gives others more time (Lifeguard 4.1). */
static inline uint64_t stretched_us(const struct gossip *gossip, uint64_t time_us) {
    return time_us * (gossip->counters.local_health + 1);
}
