/* What an instance is made with, and what may be set while it runs. */
#pragma once
#include "base/log.h"
#include "gossip/terms/member.h"
#include "gossip/terms/news.h"

struct gossip_pool;
struct gossip_scratch;

/* The defaults, and how much of each at the most (instance/timing.h). */
enum {
    GOSSIP_FAN_OUT = 4, /* members told at once of fresh news */
    GOSSIP_FAN_OUT_MAXIMUM = 16,
    GOSSIP_GOAL_MS = 200,
    GOSSIP_OBSERVERS = 4, /* of each member */
    GOSSIP_OBSERVERS_MAXIMUM = 8,
    GOSSIP_HELPERS = 3,
    GOSSIP_HELPERS_MAXIMUM = 8,
    GOSSIP_SUSPICION_LEAST_PERCENT = 250,
    GOSSIP_SUSPICION_LEAST_PERCENT_MAXIMUM = 1000,
    GOSSIP_LOCAL_HEALTH = 8, /* at its worst */
    GOSSIP_LOCAL_HEALTH_MAXIMUM = 32,
    GOSSIP_TELLINGS_PERCENT = 150,
    GOSSIP_TELLINGS_PERCENT_MAXIMUM = 300,
    GOSSIP_FAR_ONE_IN = 4,
    GOSSIP_FAR_ONE_IN_MAXIMUM = 64,
    GOSSIP_URGENT_BYTES = 200, /* the longest record fits */
    GOSSIP_URGENT_BYTES_MAXIMUM = 800,
    GOSSIP_SHARE_MAXIMUM = 33, /* percent: three of them are not all there is */
    GOSSIP_GRAVE_SECONDS = 24 * 3600,
    GOSSIP_REMOVAL_SECONDS = 3600,
    GOSSIP_BACK_OFF_SECONDS = 10,
    GOSSIP_STREAMS_SERVED = 4,
    GOSSIP_STREAMS_SERVED_MAXIMUM = 32,
    GOSSIP_STREAM_LIMIT_SECONDS = 60,
    GOSSIP_KEPT_SECONDS_MAXIMUM = 366 * 24 * 3600 /* nothing is remembered or waited for longer */
};

/* Times in microseconds of a monotonic clock. */
struct gossip_timing {
    uint64_t probe_interval_us, probe_timeout_us, flush_us;
    unsigned suspicion_factor;
    unsigned fan_out; /* members told at once when news is fresh; 0: the default */
    /* fan_out and the pauses between tellings follow the size of the cluster and how long news
     * takes, so that it is known to nearly all within goal_us (adapt.h); else they are as set. */
    bool is_adapting;
    uint64_t goal_us;     /* 0: the default */
    bool says_coordinate; /* to all, so that they know the round trip of any two (nearness.h) */
    uint64_t bytes_per_second; /* sent at the most, over a second or more; 0: no limit. Probes and
                                  their answers go out in any case, and count (bucket.h) */
    size_t compress_min_bytes; /* what somebody lacked is sent compressed from here on; 0: never */
    size_t stream_min_bytes;   /* and by a stream from here on, in bytes as they are before that, if
                                  it can take one; 0: never */
    /* The newest version of the wire that this node speaks, at most GOSSIP_WIRE_MAXIMUM; with each
     * member it speaks the older of the two. It reads all up to GOSSIP_WIRE_MAXIMUM always. */
    unsigned wire_maximum;

    /* Of these 0 is the default as well. */
    unsigned observers; /* others that this node watches, one on each ring (watch.h) */
    unsigned helpers;   /* members that are asked to probe one for this node: SWIM's k */
    unsigned
        suspicion_least_percent;   /* of the probe interval: of a suspicion that others confirm */
    unsigned local_health_maximum; /* how sick a node may think itself (Lifeguard) */
    unsigned tellings_percent;     /* news is told 3 + so much of log2(n) times */
    unsigned far_one_in;           /* one telling of so many goes to another zone */
    unsigned urgent_bytes;         /* of each datagram for GOSSIP_URGENT first, and... */
    unsigned share_percent[GOSSIP_PRIORITY_COUNT]; /* ...these for the others (telling.h) */
    uint64_t grave_us;                             /* the dead and the left are remembered */
    uint64_t removal_us;      /* removals of this node's own keys are remembered */
    uint64_t back_off_us;     /* longest time between two probes of a seed or of the dead */
    unsigned streams_served;  /* at a time; one at a time is asked for */
    uint64_t stream_limit_us; /* of one stream, given or taken */
};

struct gossip_options {
    uint8_t uuid[GOSSIP_UUID_BYTES];
    uint64_t generation;
    struct gossip_address address; /* where this node is reached */
    char name[64];
    struct gossip_timing timing;
    uint64_t seed;
    uint64_t now_us;
    bool is_sealed; /* only members can make datagrams (a key is set): those that come a second time
                       are told apart by their count, and ignored */
    bool has_streams;      /* the owner does what struct gossip_stream_action says */
    const struct log *log; /* borrows; may be NULL */
    /* Borrows, outlive the instance; NULL: one of its own. */
    struct gossip_pool *pool;
    struct gossip_scratch *scratch;
};
