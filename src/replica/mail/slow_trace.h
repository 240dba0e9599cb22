/* The trace of a command that turned out slow, after the fact. */
#pragma once
#include "worker/worker.h"

/* What is answered so was slow, read from its client at begun_us. Returns the id under which it is
 * traced, borrowed until the next call; NULL: it is not, by setting or because too many were. */
const char *slow_trace_begin(struct worker *worker, const struct shard_answer *answer,
                             uint64_t begun_us);
void slow_trace_receive(struct worker *worker, struct bytes part);    /* from the leader */
void slow_trace_mail(struct worker *worker, const struct mail *mail); /* a MAIL_TRACE */
