/* What an instance is made with, and what may be set while it runs. */
#pragma once
#include "base/log.h"
#include "gossip/terms/member.h"

struct gossip_pool;
struct gossip_scratch;

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
