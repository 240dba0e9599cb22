/* The replicas of a shard have one log, so all of them want a snapshot at the same entry. They take
 * it one after the other, in the order of their nodes' numbers, so that a majority has its
 * processors and disks for the clients meanwhile (docs/decisions/0050).
 *
 *   wanted here ── as long as those before are likely to need ──► taken
 *              └── sooner, once the log has grown by half ────────┘ */
#pragma once
#include "shard/state/state.h"

/* A snapshot is wanted that would write shard->cost_bytes: is it this replica's turn? */
bool stagger_has_turn(struct shard *shard);
/* One is wanted, and its turn has not come. Once it has, it does not come again. */
bool stagger_is_waiting(struct shard *shard);
/* It is taken, or another came. */
void stagger_clear(struct shard *shard);
/* When to ask again; UINT64_MAX: when something happens. */
uint64_t stagger_deadline_us(const struct shard *shard);
