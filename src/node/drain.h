/* Stopping in good order. */
#pragma once
#include "worker/worker.h"

/* The leads that are still here are given away. */
void drain_tick(struct worker *worker);
