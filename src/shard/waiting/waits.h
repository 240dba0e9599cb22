/* WAIT: who asks how far what was proposed here so far has come. It is told once a majority has it
 * on disk, and as many replicas as were asked for, or when its time is up, as it stands then. */
#pragma once
#include "shard/state/state.h"

void shard_answer_waits(struct shard *shard); /* those that are fulfilled, or whose time is up */
void shard_refuse_waits(struct shard *shard);
