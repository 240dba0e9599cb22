/* The chunks of a snapshot from the leader are all here. They are loaded into a second machine, bit
 * by bit, so that nothing is given up for a state that cannot be read and no turn is held up; that
 * is their reading back as well. Then the manifest is made durable, then its mark; then the machine
 * takes the place of the one that was here. */
#pragma once
#include "shard/shard.h"

void shard_load_incoming(struct shard *shard); /* all its chunks are here */
void shard_load_some(struct shard *shard, uint64_t now_us);
void shard_incoming_durable(struct shard *shard, uint64_t wal_sequence);
