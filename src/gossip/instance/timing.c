#include "gossip/instance/timing.h"
#include "gossip/terms/limits.h"

enum { SHORTEST_INTERVAL_US = 1000, MS_US = 1000, SECOND_US = 1000000 };

static void bound(unsigned *value, unsigned usual, unsigned most) {
    if (*value == 0)
        *value = usual;
    if (*value > most)
        *value = most;
}

static void bound_us(uint64_t *value_us, uint64_t usual_us) {
    const uint64_t most_us = (uint64_t)GOSSIP_KEPT_SECONDS_MAXIMUM * SECOND_US;
    if (*value_us == 0)
        *value_us = usual_us;
    if (*value_us > most_us)
        *value_us = most_us;
}

static void bound_interval(uint64_t *interval_us) {
    if (*interval_us < SHORTEST_INTERVAL_US)
        *interval_us = SHORTEST_INTERVAL_US;
}

static void bound_shares(unsigned share_percent[GOSSIP_PRIORITY_COUNT]) {
    static const unsigned usual[GOSSIP_PRIORITY_COUNT] = {
        [GOSSIP_CLUSTER] = 30, [GOSSIP_STATE] = 20, [GOSSIP_REST] = 10};
    share_percent[GOSSIP_URGENT] = 0; /* it has urgent_bytes, and what is left */
    for (enum gossip_priority priority = GOSSIP_CLUSTER; priority <= GOSSIP_REST; priority++)
        bound(&share_percent[priority], usual[priority], GOSSIP_SHARE_MAXIMUM);
}

static void bound_detection(struct gossip_timing *timing) {
    bound_interval(&timing->probe_interval_us);
    bound_interval(&timing->probe_timeout_us);
    bound(&timing->observers, GOSSIP_OBSERVERS, GOSSIP_OBSERVERS_MAXIMUM);
    bound(&timing->helpers, GOSSIP_HELPERS, GOSSIP_HELPERS_MAXIMUM);
    bound(&timing->suspicion_least_percent, GOSSIP_SUSPICION_LEAST_PERCENT,
          GOSSIP_SUSPICION_LEAST_PERCENT_MAXIMUM);
    bound(&timing->local_health_maximum, GOSSIP_LOCAL_HEALTH, GOSSIP_LOCAL_HEALTH_MAXIMUM);
    bound_us(&timing->grave_us, (uint64_t)GOSSIP_GRAVE_SECONDS * SECOND_US);
    bound_us(&timing->back_off_us, (uint64_t)GOSSIP_BACK_OFF_SECONDS * SECOND_US);
}

static void bound_news(struct gossip_timing *timing) {
    bound(&timing->fan_out, GOSSIP_FAN_OUT, GOSSIP_FAN_OUT_MAXIMUM);
    bound_us(&timing->goal_us, (uint64_t)GOSSIP_GOAL_MS * MS_US);
    bound(&timing->tellings_percent, GOSSIP_TELLINGS_PERCENT, GOSSIP_TELLINGS_PERCENT_MAXIMUM);
    bound(&timing->far_one_in, GOSSIP_FAR_ONE_IN, GOSSIP_FAR_ONE_IN_MAXIMUM);
    bound(&timing->urgent_bytes, GOSSIP_URGENT_BYTES, GOSSIP_URGENT_BYTES_MAXIMUM);
    bound_shares(timing->share_percent);
    bound_us(&timing->removal_us, (uint64_t)GOSSIP_REMOVAL_SECONDS * SECOND_US);
}

void timing_bound(struct gossip_timing *timing) {
    bound_detection(timing);
    bound_news(timing);
    bound(&timing->streams_served, GOSSIP_STREAMS_SERVED, GOSSIP_STREAMS_SERVED_MAXIMUM);
    bound_us(&timing->stream_limit_us, (uint64_t)GOSSIP_STREAM_LIMIT_SECONDS * SECOND_US);
    if (timing->wire_maximum > GOSSIP_WIRE_MAXIMUM)
        timing->wire_maximum = GOSSIP_WIRE_MAXIMUM;
}
