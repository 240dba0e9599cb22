/* The shard's time, by which its keys expire. The stamps of entries carry it: it never goes back,
 * whatever the leaders' clocks do. Nor does it stand still: where the leader's wall clock is behind
 * it, it goes on at seven eighths of the speed until that clock has caught up
 * (docs/decisions/0069). */
#pragma once
#include "shard/state/state.h"

/* By what a leader reads and stamps: its wall clock, or the shard's time if that is further. */
uint64_t shard_clock_ms(const struct shard *shard, uint64_t now_us);

/* The stamp of an entry that is proposed now. That it is not the wall clock's is counted and, when
 * it begins, logged. */
uint64_t shard_stamp_ms(struct shard *shard, uint64_t now_us);

/* An entry with this stamp is applied. */
void shard_time_reached(struct shard *shard, uint64_t stamp_ms, uint64_t now_us);

/* A state of that time takes the place of the one before, which may have been further. */
void shard_time_set(struct shard *shard, uint64_t stamp_ms, uint64_t now_us);
