/* The table of the commands that a node answers itself. */
#pragma once
#include "session/client/session_command.h"

/* Runs a COMMAND_SESSION row. True when the reply was written to call->reply; false when it comes
 * later by session_expect() and session_deliver(). A reply of no bytes is no reply (CLIENT REPLY
 * OFF). */
bool session_command_run(struct session_command *call);
