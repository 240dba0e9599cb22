/* Snapshots to followers that need what the log no longer has. The leader offers its manifest, and
 * the follower asks for the pieces that it lacks; so what is lost is asked for again, and what is
 * here already is not sent. A chunk is read whole, verified, on the bulk lane, and held while its
 * pieces are sent. A follower that is silent, or answers and comes no further, is
 * given up, and raft asks again once it is heard. */
#pragma once
#include "shard/shard.h"

void shard_tick_outgoing(struct shard *shard, uint64_t now_us);
uint64_t shard_outgoing_deadline_us(const struct shard *shard);
