/* WAIT and WAITAOF. */
#pragma once
#include "session/client/session_command.h"

bool wait_command(struct session_command *call);
void wait_note_write(struct session *session, uint32_t shard);
/* The session is gone: what it waits for is nobody's any more. */
void wait_forget(struct session *session);
/* Once a tick: answers, as not known, those of sessions that have been closing for too long. */
void wait_end_late(struct worker *worker, uint64_t now_us);
void wait_free_all(struct worker *worker);
