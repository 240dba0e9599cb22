#include "shard/state.h"

/* A vote takes a round trip and two disks. Where that is long, so must be the patience, or
 * elections would be begun anew before they can end; leases are as they are set, since promises
 * are. */
uint64_t shard_election_timeout_us(const struct shard *shard) {
    uint64_t setting_us = (uint64_t)shard->io.config->election_timeout_ms * 1000;
    uint64_t wanted_us = SHARD_ELECTION_DELAYS * shard->delay_us;
    uint64_t most_us = SHARD_ELECTION_STRETCH_MAXIMUM * setting_us;
    if (wanted_us <= setting_us)
        return setting_us;
    return wanted_us < most_us ? wanted_us : most_us;
}

struct raft_timing shard_timing(const struct config *config, uint64_t election_timeout_us) {
    /* A promise that outlives the election timeout would only hold elections up. */
    long long lease_ms = config->lease_ms < config->election_timeout_ms
                             ? config->lease_ms
                             : config->election_timeout_ms;
    long long lazy_ms = config->append_lazy_ms < config->heartbeat_ms ? config->append_lazy_ms
                                                                      : config->heartbeat_ms;
    uint64_t message_bytes = (uint64_t)config->batch_bytes;
    if (message_bytes > SHARD_ENTRY_BYTES_MAXIMUM)
        message_bytes = SHARD_ENTRY_BYTES_MAXIMUM;
    return (struct raft_timing){.election_timeout_us = election_timeout_us,
                                .lease_us = (uint64_t)lease_ms * 1000,
                                .heartbeat_us = (uint64_t)config->heartbeat_ms * 1000,
                                .quiet_after_us = (uint64_t)config->quiet_after_ms * 1000,
                                .clock_drift_percent = (unsigned)config->clock_drift_percent,
                                .window_bytes = (uint64_t)config->append_window_bytes,
                                .window_messages = (unsigned)config->append_window_messages,
                                .message_bytes = message_bytes,
                                .lazy_us = (uint64_t)lazy_ms * 1000,
                                .move_pause_us = (uint64_t)config->leader_move_pause_ms * 1000};
}
