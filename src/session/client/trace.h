/* TROTHDB TRACE, and what trace-one-in picks: the reply's part. */
#pragma once
#include "session/client/state.h"

/* Trace ids stand in log entries, which every node of the cluster must be able to read; once all
 * can, they always can. */
bool trace_is_known_to_all(const struct worker *worker);
/* Counts a write while trace-one-in is not 0; is this the one? Then it is to be run so. */
bool trace_is_picked(struct worker *worker, const struct command *command);
/* The traced command that would have had this ticket was run: its reply may have been written at
 * once. */
void trace_answered(const struct session *session, struct bytes id, uint64_t ticket);
/* The reply of the command that is being handed on will have this ticket, or not after all. */
void trace_expect(struct session *session, uint64_t ticket, uint32_t shard);
void trace_expect_no_more(struct session *session, uint64_t ticket);
/* False: it has no trace. */
bool trace_replied(struct session *session, uint64_t ticket, enum shard_outcome outcome,
                   struct bytes reply);
void trace_release(struct session *session);
void trace_say_replied(const struct worker *worker, const char *id, uint32_t shard,
                       uint64_t begun_us, const char *outcome);
const char *trace_outcome_text(enum shard_outcome outcome, struct bytes reply);
