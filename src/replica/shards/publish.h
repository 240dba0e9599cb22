/* What other threads see of a worker and its shards, and what the metrics say of them. */
#pragma once
#include "worker/observe.h"
#include "worker/worker.h"

void publish_stale(struct worker *worker, uint32_t shard);
void publish_statistics(struct worker *worker);
void publish_removal(struct worker *worker, uint32_t shard);
