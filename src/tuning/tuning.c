#include "tuning/tuning.h"

static const uint64_t ms_us = 1000, second_us = 1000000;

struct gossip_timing tuning_timing(const struct config *config) {
    return (struct gossip_timing){
        .probe_interval_us = (uint64_t)config->gossip_probe_interval_ms * ms_us,
        .probe_timeout_us = (uint64_t)config->gossip_probe_timeout_ms * ms_us,
        .flush_us = (uint64_t)config->gossip_flush_ms * ms_us,
        .fan_out = (unsigned)config->gossip_fan_out,
        .says_coordinate = config->gossip_coordinates,
        .bytes_per_second = (uint64_t)config->gossip_bytes_per_second,
        .suspicion_factor = (unsigned)config->gossip_suspicion_factor,
        .is_adapting = config->gossip_adapt,
        .goal_us = (uint64_t)config->gossip_goal_ms * ms_us,
        .compress_min_bytes = (size_t)config->gossip_compress_min_bytes,
        .stream_min_bytes = (size_t)config->gossip_stream_min_bytes,
        .wire_maximum = (unsigned)config->gossip_wire_maximum,
        .observers = (unsigned)config->gossip_observers,
        .helpers = (unsigned)config->gossip_helpers,
        .suspicion_least_percent = (unsigned)config->gossip_suspicion_least_percent,
        .local_health_maximum = (unsigned)config->gossip_local_health_maximum,
        .tellings_percent = (unsigned)config->gossip_tellings_percent,
        .far_one_in = (unsigned)config->gossip_far_one_in,
        .urgent_bytes = (unsigned)config->gossip_urgent_bytes,
        .share_percent = {[GOSSIP_CLUSTER] = (unsigned)config->gossip_share_cluster_percent,
                          [GOSSIP_STATE] = (unsigned)config->gossip_share_state_percent,
                          [GOSSIP_REST] = (unsigned)config->gossip_share_rest_percent},
        .grave_us = (uint64_t)config->gossip_grave_seconds * second_us,
        .removal_us = (uint64_t)config->gossip_removal_seconds * second_us,
        .back_off_us = (uint64_t)config->gossip_back_off_ms * ms_us,
        .streams_served = (unsigned)config->gossip_streams_served,
        .stream_limit_us = (uint64_t)config->gossip_stream_seconds * second_us};
}
