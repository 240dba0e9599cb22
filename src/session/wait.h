/* WAIT and WAITAOF. */
#pragma once
#include "session/session_command.h"

bool wait_command(struct session_command *call);
void wait_note_write(struct session *session, uint32_t shard);
void wait_free_all(struct worker *worker);
