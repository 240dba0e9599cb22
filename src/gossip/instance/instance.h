/* The inside of a struct gossip: what its rooms share. Nobody outside of gossip/ includes this.
 * Each field stands under the files that it belongs to. */
#pragma once
#include "base/due.h"
#include "base/list.h"
#include "base/random.h"
#include "gossip/measure/adapt.h"
#include "gossip/measure/coordinate.h"
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
    GOSSIP_SEED_MAXIMUM = 64,
    GOSSIP_LOST_MAXIMUM = 64, /* addresses of members called dead and forgotten since */
    GOSSIP_RINGS = 4,         /* observers of each member */
    GOSSIP_HELPERS = 3,       /* members asked to probe for us (SWIM's k) */
    GOSSIP_FAN_OUT = 4,       /* members told at once of fresh news, unless set otherwise */
    GOSSIP_FAN_OUT_MAXIMUM = 16,
    GOSSIP_GOAL_MS = 200,
    GOSSIP_PROBE_MAXIMUM = 32,  /* probes in flight; past it none is begun */
    GOSSIP_PINGS_MAXIMUM = 8,   /* of one probe */
    GOSSIP_RELAY_MAXIMUM = 256, /* probes for others in flight; past it their asks are dropped */
    GOSSIP_REMOVED_MAXIMUM =
        64, /* removals a member remembers; past it the oldest is forgotten, by raising the floor */
    GOSSIP_ENTRY_MAXIMUM =
        384, /* entries of one member held by others: keys, removals, and what a reset will sweep */
    GOSSIP_CONFIRMATIONS = 2, /* independent accusers beyond the first that shorten a suspicion */
    GOSSIP_LOCAL_HEALTH_MAXIMUM = 8,
    GOSSIP_NEWS_MAXIMUM =
        2048, /* pieces of one priority that wait; past it, what was told most goes */
    GOSSIP_SENT_MAXIMUM = 48, /* tellings of one piece of news: 3 * log2(n) stays below it */
    COMPARE_BUCKETS = CODEC_BUCKETS_MAXIMUM,
    GOSSIP_REFERRALS =
        8, /* others that a newcomer is told of when there is no bandwidth for more */
    GOSSIP_SYNC_DATAGRAMS =
        32, /* in answer to one datagram of a comparison; the rest comes with the next one */
    GOSSIP_SHUNNED_MAXIMUM = 8, /* members that are not asked for streams, past it the first goes */
    GOSSIP_STATE_BYTES_MAXIMUM =
        128 << 20 /* keys and values of all members; past it entries of others are not kept */
};
#define GOSSIP_SECOND_US  UINT64_C(1000000)
#define GOSSIP_GRAVE_US   (24 * 3600 * GOSSIP_SECOND_US) /* the dead and the left are remembered */
#define GOSSIP_REMOVED_US (3600 * GOSSIP_SECOND_US)      /* removals are remembered */
#define GOSSIP_BACK_OFF_US                                                                         \
    (10 * GOSSIP_SECOND_US) /* longest time between two probes of a seed or of the dead */
#define GOSSIP_NEVER UINT64_MAX

static inline uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* A removal of this node's own: when it may be forgotten. */
struct removal {
    uint64_t version, removed_us;
};

struct bucket {
    int64_t tokens; /* bytes that may be sent; below 0 probes alone go out */
    uint64_t filled_us;
};

/* A probe in flight. */
enum probe_kind { PROBE_MEMBER, PROBE_SEED, PROBE_GRAVE, PROBE_LOST };
struct probe {
    enum probe_kind kind;
    uint64_t sequence;     /* of the first ping; the others' follow */
    struct member *member; /* NULL where only the address is known */
    struct gossip_address to;
    size_t seed; /* of a PROBE_SEED */
    bool is_observation;
    uint64_t patience_us;                      /* between two pings */
    uint64_t again_us, ask_us, try_us, end_us; /* GOSSIP_NEVER where it is done */
    uint64_t pinged_us[GOSSIP_PINGS_MAXIMUM];
    unsigned ping_count, helper_count, nack_count;
};

struct round_trip { /* of an edge; zeros: never measured */
    uint64_t mean_us, deviation_us;
};

/* A ring, and whom this node watches on it. */
struct watch {
    uint64_t self_place;
    struct member *member; /* NULL: this node is alone */
    struct member *beyond; /* where that is a suspect, the next before it that is none; or NULL */
    uint64_t distance;     /* of the member's place before this node's */
    uint64_t next_us;
    struct round_trip trip;
};

/* The live others, in the order in which they are probed; shuffled at the end of each round. */
struct rotation {
    struct seats live;
    size_t next;
};

/* A life that this node speaks with; it may not be known as a member. */
struct partner {
    bool is_set;
    uint8_t uuid[GOSSIP_UUID_BYTES];
    uint64_t generation;
};

/* What an answer that was cut said that there is more of (more.h). */
struct more {
    struct gossip_address to;
    struct partner partner;
    uint8_t first[GOSSIP_UUID_BYTES], last[GOSSIP_UUID_BYTES];
    uint64_t at_us; /* it is asked for then; GOSSIP_NEVER: nothing is */
    uint64_t hash;  /* of the whole when this node asked last */
    unsigned rounds;
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

/* A place among the streams served, kept for who was offered one (serving.h). */
struct stream_offer {
    uint8_t uuid[GOSSIP_UUID_BYTES];
    uint64_t until_us;
};

/* How fast news is told on: the settings, as adapt.h has changed them. */
struct pace {
    unsigned fan_out;
    uint64_t flush_us; /* news is gathered so long */
    uint64_t slow_us;  /* between the last tellings of the same news */
};

/* Of a newcomer to the first that answered it (joining.h). */
struct greeting {
    struct gossip_address to;
    struct partner partner;
    uint64_t digest_us; /* 0: nobody has answered yet; GOSSIP_NEVER: it is sent */
};

struct gossip {
    struct gossip_timing timing;
    const struct log *log;
    struct random random;
    uint64_t now_us, deadline_us;
    uint64_t wall_us; /* for others, never to decide by */
    struct gossip_counters counters;
    uint64_t met_us; /* when this node first heard anybody; 0: it has not yet */
    bool has_warned_of_twin, has_warned_of_name;

    /* sending.c, bucket.c, packing.c */
    struct replay *replay;  /* NULL: datagrams are not sealed */
    uint64_t written_count; /* of sealed datagrams; said in each */
    struct partner partner; /* whom the datagrams of this step answer */
    struct codec_writer writer;
    struct buffer packed, unpacked; /* the last datagrams that were */
    struct outbox *outbox;
    struct bucket bucket;

    /* roster.c, forgetting.c */
    struct gossip_pool *pool;
    bool has_own_pool;
    struct member *self;
    struct member **members; /* each on its seat: this node first, then as they came */
    size_t member_count, member_capacity;
    struct index index; /* the same, by UUID, for finding */
    struct order order; /* and in the order of UUIDs */
    struct rotation rotation;
    struct seats graves; /* members called dead */
    uint64_t grave_check_us;

    /* hash.c, compare.c, more.c */
    uint64_t hash;                     /* of all that live: the sum of their digest_hash */
    uint64_t buckets[COMPARE_BUCKETS]; /* the same, by the first bits of their UUIDs */
    uint64_t compare_us;               /* no comparison is begun before this */
    struct more more;

    /* state.c */
    struct removal removals[GOSSIP_REMOVED_MAXIMUM + 1]; /* own, by version */
    size_t removal_count;
    uint64_t state_bytes, removed_check_us;

    /* news.c, telling.c, broadcast.c, listeners.c */
    struct list news[GOSSIP_PRIORITY_COUNT][GOSSIP_SENT_MAXIMUM]; /* by times told */
    uint64_t news_lists[GOSSIP_PRIORITY_COUNT]; /* a bit for each list that may hold something */
    size_t news_credit[GOSSIP_PRIORITY_COUNT];  /* bytes of its share not used yet */
    size_t news_count;
    uint64_t news_us, news_told_us, news_round; /* the next round, the last one, how many */
    unsigned listener_turn;

    /* nearness.c */
    struct coordinate coordinate, said_coordinate; /* where this node lies, and said it does */
    bool has_said_coordinate;
    uint64_t coordinate_samples, coordinate_us; /* looked at again then */

    /* watch.c, observer.c */
    struct watch watches[GOSSIP_RINGS];
    struct round_trip trip;         /* of all edges */
    uint64_t observer, observed_us; /* who observed this node last (a hash), and when */
    uint16_t observed_ms;           /* after another one */
    uint64_t probe_us;              /* the next member by lot */

    /* probe.c, relay.c */
    struct probe probes[GOSSIP_PROBE_MAXIMUM];
    size_t probe_count;
    struct relay *relays;
    size_t relay_count, relay_capacity; /* up to GOSSIP_RELAY_MAXIMUM */
    uint64_t sequence;

    /* healing.c */
    struct seed *seeds; /* GOSSIP_SEED_MAXIMUM, once there is one */
    size_t seed_count;
    struct gossip_address lost[GOSSIP_LOST_MAXIMUM];
    size_t lost_count;
    uint64_t round_us, round_interval_us; /* the next round of graves and the lost */

    /* suspicion.c, doubt.c, judging.c */
    struct due_heap open, called; /* by when they end: before and after the last call */
    size_t doubt_turn;            /* the next of the open that a ping asks about */
    uint64_t suspicion_us;        /* no suspicion ends before this */
    uint64_t judge_us;            /* nor, after this node stood still, before this */

    /* joining.c */
    uint64_t joining_us;   /* alive then, whatever it knows; GOSSIP_NEVER: it is already */
    uint64_t joining_hash; /* of a whole copy, as who sent it says; once has_joining_hash */
    bool has_joining_hash;
    struct greeting greeting;

    /* streams.c, asking.c, serving.c */
    bool has_streams;
    struct asking asking;
    uint64_t asked_count; /* numbers them */
    struct shunned shunned[GOSSIP_SHUNNED_MAXIMUM];
    struct stream_offer offers[GOSSIP_STREAMS_SERVED_MAXIMUM];
    struct list servings; /* struct serving */

    /* pace.c, skew.c, propagation.c */
    struct adapt adapt;
    struct pace pace;
    uint64_t skew_check_us;
    uint64_t slow_log_us; /* no line about slow news before this */

    /* Measured in this step. */
    uint64_t round_trip_us, detection_us, clock_skew_us;
    bool is_clock_measured;
    struct gossip_propagation propagations[GOSSIP_PROPAGATION_MAXIMUM];
    size_t propagation_count;
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
