/* A command that a node answers itself, as it is run for a session. */
#pragma once
#include "session/client/session.h"

struct session_command {
    struct session *session;
    struct worker *worker;
    const struct command *command;
    const struct bytes *arguments;
    size_t argument_count;
    struct reply *reply;
};
