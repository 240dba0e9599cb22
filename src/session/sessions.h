/* All sessions of a worker, and their part of its turn. */
#pragma once
#include "session/client/state.h"

void sessions_new(struct worker *worker);
void sessions_free(struct worker *worker); /* each session, and all that is in flight for them */
/* The settings are others. */
void sessions_take_settings(struct worker *worker);
/* Once a tick: ends those that were silent for as long as `timeout` says, and what has waited too
 * long for somebody who sends no more. */
void sessions_tick(struct worker *worker, uint64_t now_us);
/* The turn's end: what waited for room is tried again; then what is ready goes to the owner. */
void sessions_retry(struct worker *worker);
void sessions_write(struct worker *worker);
