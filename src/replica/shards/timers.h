/* Which shards of a worker need a look: those that are due, and those that something happened to in
 * this turn. A thousand idle shards cost nothing here. */
#pragma once
#include "base/containers/heap.h"
#include "worker/worker.h"

void timers_touch(void *context, struct shard *shard); /* shard_io.touched */
void timers_tick(struct worker *worker, uint64_t now_us);
void timers_durable(struct worker *worker, uint64_t wal_sequence);
uint64_t timers_deadline_us(const struct worker *worker);
/* Those that something happened to may have room again. */
void timers_admit(struct worker *worker);
void timers_end_turn(struct worker *worker);
/* Notes what was touched, and lets what was gathered become entries. */
void timers_begin_rounds(struct worker *worker);
