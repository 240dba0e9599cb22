#include "shard/timing.h"

#include "shard/state/state.h"

/* A vote takes a round trip and two disks. Where that is long, so must be the patience, or
 * elections would be begun anew before they can end; leases are as they are set, since promises
 * are. */
uint64_t shard_election_timeout_us(const struct shard *shard) {
    uint64_t setting_us = (uint64_t)shard->io->config->election_timeout_ms * 1000;
    uint64_t wanted_us = SHARD_ELECTION_DELAYS * shard->delay_us;
    uint64_t most_us = SHARD_ELECTION_STRETCH_MAXIMUM * setting_us;
    if (wanted_us <= setting_us)
        return setting_us;
    return wanted_us < most_us ? wanted_us : most_us;
}

static uint64_t lesser(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* A promise that outlives the election timeout would only hold elections up. */
uint64_t shard_promise_us(const struct config *config) {
    return 1000 * lesser((uint64_t)config->lease_ms, (uint64_t)config->election_timeout_ms);
}

struct raft_timing shard_timing(const struct config *config, const uint64_t *durable_promise_us,
                                uint64_t election_timeout_us) {
    uint64_t promise_us = shard_promise_us(config);
    if (durable_promise_us)
        promise_us = lesser(promise_us, *durable_promise_us);
    long long lazy_ms = config->append_lazy_ms < config->heartbeat_ms ? config->append_lazy_ms
                                                                      : config->heartbeat_ms;
    uint64_t message_bytes = (uint64_t)config->batch_bytes;
    if (message_bytes > SHARD_ENTRY_BYTES_MAXIMUM)
        message_bytes = SHARD_ENTRY_BYTES_MAXIMUM;
    return (struct raft_timing){.election_timeout_us = election_timeout_us,
                                .lease_us = promise_us,
                                .heartbeat_us = (uint64_t)config->heartbeat_ms * 1000,
                                .quiet_after_us = (uint64_t)config->quiet_after_ms * 1000,
                                .clock_drift_percent = (unsigned)config->clock_drift_percent,
                                .window_bytes = (uint64_t)config->append_window_bytes,
                                .window_messages = (unsigned)config->append_window_messages,
                                .message_bytes = message_bytes,
                                .lazy_us = (uint64_t)lazy_ms * 1000,
                                .move_pause_us = (uint64_t)config->leader_move_pause_ms * 1000};
}

struct raft_timing shard_timing_of(const struct shard *shard) {
    return shard_timing(shard->io->config, shard->io->durable_promise_us,
                        shard_election_timeout_us(shard));
}
