/* Every worker keeps its own slow log (slowlog.h). */
#pragma once
#include "session/session.h"

bool slowlog_is_on(const struct worker *worker);
bool slowlog_takes(const struct worker *worker, uint64_t duration_us);
/* Keeps the command if it took long enough. */
void slowlog_note(struct session *session, uint64_t duration_us, struct bytes excerpt,
                  const char *trace);
