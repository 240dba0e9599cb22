/* Committed entries run on the machine, and whoever waits for them is told. */
#pragma once
#include "shard/state.h"

void shard_apply(struct shard *shard); /* up to the limit; answers what is committed by now */
