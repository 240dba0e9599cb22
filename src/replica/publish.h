/* What other threads see of a worker and its shards, and what the metrics say of them. */
#pragma once
#include "worker/observe.h"
#include "worker/worker.h"

struct shard_shares {
    struct shard_share by_shard[WORKER_SHARD_MAXIMUM], sum;
    uint32_t stale[WORKER_SHARD_MAXIMUM]; /* touched since they were published */
    bool is_stale[WORKER_SHARD_MAXIMUM];
    unsigned stale_count;
};

void publish_stale(struct worker *worker, uint32_t shard);
void publish_statistics(struct worker *worker);
void publish_removal(struct worker *worker, uint32_t shard);
