/* One command, every shard that this node leads. */
#pragma once
#include "session/calls/calls.h"
#include "session/client/session.h"

enum route_result gather_run(struct session *session, const struct command *command,
                             const struct bytes *arguments, size_t count);
void gather_free_all(struct worker *worker);
