/* What a worker finds at start: its log, read from end to end. */
#pragma once
#include "worker/worker.h"

int recovery_run(struct worker *worker, void (*on_durable)(void *worker, uint64_t sequence),
                 struct buffer *problem) MUST_CHECK;
