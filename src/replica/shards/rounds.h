/* When what the shards of a worker gathered becomes entries: together, by the disk's clock. */
#pragma once
#include "worker/worker.h"

/* Something happened to the shard; the turn, or a round of the log, ended. */
void rounds_note(struct worker *worker, uint32_t number);
void rounds_begin(struct worker *worker);
void rounds_log_round_ended(struct worker *worker);
/* As in struct shard_io; the context is a worker. */
uint64_t rounds_save_waits_until_us(void *context, const struct shard *shard);
