/* Committed entries run on the machine, and whoever waits for them is told. */
#pragma once
#include "shard/state/state.h"

/* Up to the limit; answers what is committed by now. False: there was nothing to apply. */
bool shard_apply(struct shard *shard);
