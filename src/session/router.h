/* Where a command goes. */
#pragma once
#include "session/calls/calls.h"
#include "session/client/session.h"

enum route_result router_run(struct session *session, const struct command *command,
                             const struct bytes *arguments, size_t count);
/* With a trace id, as if the client had asked for it. */
enum route_result router_run_picked(struct session *session, const struct bytes *arguments,
                                    size_t count);
