/* A snapshot from the leader, up to where all its chunks are here (install.c goes on from there).
 * What is here already, of this replica's own snapshots or of a transfer that broke off, even
 * before a restart, is not asked for. The rest is asked for in order, a few pieces ahead, and each
 * chunk is verified and made durable once it is whole. */
#pragma once
#include "shard/shard.h"

void shard_tick_incoming(struct shard *shard, uint64_t now_us);
uint64_t shard_incoming_deadline_us(const struct shard *shard);
