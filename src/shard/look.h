/* What a shard is just now, for its own files; its owner asks by shard.h. */
#pragma once
#include "shard/state.h"

bool shard_may_expire(const struct shard *shard); /* does any key of it have a time to expire? */
bool shard_is_rewinding(const struct shard *shard);
bool shard_is_hollow(const struct shard *shard); /* the machine is no state of the shard's */
/* Is all that stands behind the newest snapshot in memory? */
bool shard_is_log_whole(const struct shard *shard);
