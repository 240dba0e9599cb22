/* The commands that an agent answers. */
#pragma once
#include "agent/agent_session.h"

/* Writes the reply to any command that command_check() has found sound. */
void agent_command_run(const struct agent_call *call);
