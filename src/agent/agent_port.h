/* The client port of an agent: its sessions, each of which has every command answered at once, and
 * hears what it subscribed to at the end of the turn in which it happened. */
#pragma once
#include "agent/agent_session.h"

enum { AGENT_INPUT_ROOM_BYTES = 4 << 10 };

/* Everything but `sessions` and the counts is set already. */
void agent_port_init(struct agent_port *port, uv_loop_t *loop);
/* A MAIL_GOSSIP_NEWS: sessions that listen are told. */
void agent_port_hear(struct agent_port *port, struct bytes news);
void agent_port_close(struct agent_port *port); /* then the loop has to run */
