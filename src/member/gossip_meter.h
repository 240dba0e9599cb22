/* What gossip did, as metrics: datagrams by kind, news by type, clocks, members by state. */
#pragma once
#include "gossip/gossip.h"
#include "member/news_meter.h"
#include "metric/metric.h"

enum {
    METER_KIND_MAXIMUM = 16 /* kinds of datagrams counted apart; others count as the first */
};

struct gossip_meter {
    struct metrics *metrics; /* borrows */
    /* The cells of one kind of datagram, resolved when it is first seen. */
    struct meter_kind {
        struct metric_cell *messages, *bytes;
    } sent[METER_KIND_MAXIMUM], received[METER_KIND_MAXIMUM];
    struct metric_cell *malformed, *replayed, *unproven, *suspicions, *refutations, *round_trips,
        *detections;
    struct metric_cell *answered, *relayed, *contacted, *failed, *asked, *tried;
    struct metric_cell *refuted, *died, *left, *deaths, *name_conflicts, *identity_conflicts,
        *local_health;
    struct metric_cell *propagations[GOSSIP_NEWS_TYPE_COUNT]; /* as the kinds */
    struct metric_cell *undated, *uncorrected, *implausible, *skews, *largest_skew;
    struct metric_cell *streams_asked[GOSSIP_STREAM_OUTCOME_COUNT],
        *streams_served[GOSSIP_STREAM_OUTCOME_COUNT], *serving, *stream_received, *stream_sent;
    struct metric_cell *fan_out, *flush, *goal, *pace, *faster, *slower, *larger, *smaller;
    struct news_meter news;
    struct gossip_counters counted; /* what the metrics have of the counters */
};

/* Borrows the registry, of which the caller is the owner. */
void gossip_meter_init(struct gossip_meter *meter, struct metrics *metrics);
void gossip_meter_sent(struct gossip_meter *meter, struct bytes datagram);
void gossip_meter_received(struct gossip_meter *meter, struct bytes datagram);
/* By how much the counters have grown, and what they stand at where they are no sums. */
void gossip_meter_count(struct gossip_meter *meter, const struct gossip_counters *now);
/* After each step, which was at `wall_us`, Unix microseconds. */
void gossip_meter_step(struct gossip_meter *meter, const struct gossip *gossip,
                       const struct gossip_actions *actions, uint64_t wall_us);
void gossip_meter_members(struct gossip_meter *meter, const struct gossip *gossip);
