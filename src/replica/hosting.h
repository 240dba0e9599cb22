/* The beginning and the end of what a worker keeps for its shards (state/state.h). */
#pragma once

struct worker;

/* The worker's, with `shard_io` still to be filled in. */
void hosting_new(struct worker *worker);
void hosting_free(struct worker *worker); /* its shards too, and the log behind them */
