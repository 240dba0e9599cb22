/* What a shard is just now. */
#pragma once
#include "shard/state/state.h"

bool shard_leads(const struct shard *shard);
/* Nothing is applied that is not committed, and that is all here: true but for a leader that
 * answers before the disk, and for one that goes back. */
bool shard_has_settled(const struct shard *shard);
bool shard_may_expire(const struct shard *shard); /* does any key of it have a time to expire? */
bool shard_is_rewinding(const struct shard *shard);
bool shard_is_hollow(const struct shard *shard); /* the machine is no state of the shard's */
/* Is all that stands behind the newest snapshot in memory? */
bool shard_is_log_whole(const struct shard *shard);
