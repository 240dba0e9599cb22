/* CONFIG GET and SET of an agent, and SIGHUP. */
#pragma once
#include "agent/agent_session.h"

void agent_config_get(const struct agent_call *call);
void agent_config_set(const struct agent_call *call);
/* The file was read again: all of it is taken, or an error with a sentence and nothing. */
int agent_config_take_file(struct agent_port *port, const struct config *read,
                           struct buffer *problem) MUST_CHECK;
