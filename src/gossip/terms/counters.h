/* What happened in an instance, counted. */
#pragma once
#include "gossip/terms/event.h"

struct gossip_counters { /* since the start */
    uint64_t datagrams_sent, datagrams_received, bytes_sent, bytes_received;
    uint64_t probes_sent;
    uint64_t probes_answered; /* by the member itself */
    uint64_t tokens_spent;    /* bytes, while there is a limit to them */
    unsigned local_health;    /* 0 is well (Lifeguard) */
    uint64_t clock_skew_us;   /* now: the largest of all members, beyond its error */
    /* News by enum gossip_priority: pieces that wait now. */
    uint64_t news_waiting[GOSSIP_PRIORITY_COUNT];
    uint64_t malformed;
    uint64_t replayed; /* datagrams that had come before, where they are sealed */
    uint64_t unproven; /* that may have: of lives not heard yet, and not for this one of ours */
    uint64_t unproven_answered; /* pings among them, each answered once */
    uint64_t probes_failed, indirect_probes, suspicions, refutations, deaths;
    uint64_t probes_relayed;   /* answered through a helper: directly it cannot be reached */
    uint64_t probes_contacted; /* not answered, but another plane heard the member meanwhile */
    uint64_t stream_tries;     /* datagrams were not answered: it was to be tried by a stream */
    /* How suspicions ended here, whoever began them. */
    uint64_t suspicions_refuted, suspicions_died, suspicions_left;
    uint64_t name_conflicts;     /* times that a member was met that has this node's name */
    uint64_t identity_conflicts; /* times that this node heard of another one with its UUID: of a
                                    later life, or of this life at another address */
    uint64_t later_generation;   /* the highest of those in a later life; 0: there was none. The
                                    next start is to be above it */
    /* News whose way could not be measured: it came without a time (through version 0 of the wire);
     * the clock of who said it is not known well enough; its time cannot be. */
    uint64_t propagation_undated, propagation_uncorrected, propagation_implausible;
    /* How fast news is told on, now and as it was changed (adapt.h). */
    unsigned fan_out;
    uint64_t flush_us, goal_us;
    int pace; /* 0: as set; faster above */
    uint64_t adapted_faster, adapted_slower, adapted_larger, adapted_smaller;
    /* News by enum gossip_priority: pieces told and their bytes, once for each listener. */
    uint64_t news_told[GOSSIP_PRIORITY_COUNT], news_bytes[GOSSIP_PRIORITY_COUNT];
    int64_t tokens_left;            /* now; below 0 only probes go out */
    uint64_t news_waits;            /* rounds of news put off for bandwidth */
    uint64_t dropped_for_bandwidth; /* comparisons not sent; found again later */
    uint64_t referrals; /* newcomers told of a few others to ask, for want of that bandwidth or of a
                           place among the streams served */
    uint64_t streams_asked[GOSSIP_STREAM_OUTCOME_COUNT],
        streams_served[GOSSIP_STREAM_OUTCOME_COUNT];
    uint64_t stream_bytes_received, stream_bytes_sent; /* of pieces */
    unsigned streams_serving;                          /* now */
    uint64_t dropped_for_memory;                       /* entries not kept, past a limit */
    uint64_t dropped_for_news;  /* pieces told less often than they should, for want of room */
    uint64_t members_forgotten; /* graves whose time was over, or that were in the way */
    uint64_t dropped_for_relays, dropped_for_members; /* asks; newcomers; past a limit */
};
