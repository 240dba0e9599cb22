/* When what the shards of a worker gathered becomes entries: together, by the disk's clock. */
#pragma once
#include "worker/worker.h"

/* Shards with commands that are not proposed yet, and which of all shards the log works for. */
enum shard_round_state {
    SHARD_ROUND_NONE,
    SHARD_ROUND_AWAITED, /* led here, and its last entry is awaited */
    SHARD_ROUND_FOLLOWED /* led by another, and not all of it is durable here */
};
struct shard_rounds {
    uint32_t gathering[WORKER_SHARD_MAXIMUM];
    bool is_gathering[WORKER_SHARD_MAXIMUM];
    enum shard_round_state states[WORKER_SHARD_MAXIMUM];
    unsigned gathering_count, awaited_count, followed_count;
    bool has_log_round_ended; /* since the first of those gathered */
    uint64_t look_again_us;   /* UINT64_MAX: something will happen */
};

/* Something happened to the shard; the turn, or a round of the log, ended. */
void rounds_note(struct worker *worker, uint32_t number);
void rounds_begin(struct worker *worker);
void rounds_log_round_ended(struct worker *worker);
