/* Raft's part of the settings. */
#pragma once
#include "shard/shard.h"

struct raft_timing shard_timing_of(const struct shard *shard); /* as this shard has it now */
