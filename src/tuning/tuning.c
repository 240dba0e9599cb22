#include "tuning/tuning.h"

struct gossip_timing tuning_timing(const struct config *config) {
    return (struct gossip_timing){
        .probe_interval_us = (uint64_t)config->gossip_probe_interval_ms * 1000,
        .probe_timeout_us = (uint64_t)config->gossip_probe_timeout_ms * 1000,
        .flush_us = (uint64_t)config->gossip_flush_ms * 1000,
        .fan_out = (unsigned)config->gossip_fan_out,
        .says_coordinate = config->gossip_coordinates,
        .bytes_per_second = (uint64_t)config->gossip_bytes_per_second,
        .suspicion_factor = (unsigned)config->gossip_suspicion_factor,
        .is_adapting = config->gossip_adapt,
        .goal_us = (uint64_t)config->gossip_goal_ms * 1000,
        .compress_min_bytes = (size_t)config->gossip_compress_min_bytes,
        .stream_min_bytes = (size_t)config->gossip_stream_min_bytes,
        .wire_maximum = (unsigned)config->gossip_wire_maximum};
}
