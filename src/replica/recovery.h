/* What a worker finds at start: its log, read from end to end. */
#pragma once
#include "worker/worker.h"

int recovery_run(struct worker *worker, void (*on_durable)(void *worker, uint64_t sequence),
                 struct buffer *problem) MUST_CHECK;
/* Did the log tell of any replica? To be asked before they are made of that. */
bool recovery_has_replicas(const struct worker *worker);
