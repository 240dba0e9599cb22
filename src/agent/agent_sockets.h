/* The sockets of an agent, bound by hand before anything starts. */
#pragma once
#include "io/real/socket.h"
#include "process/addresses.h"

enum { AGENT_PORT_FIRST = 7001, AGENT_PORT_LAST = 8999 };

struct agent_sockets {
    int client, peer, admin, datagram;
};

/* On the ports that are set; where `port` is 0 it becomes the first from AGENT_PORT_FIRST on whose
 * four are free. ERR_INVALID, ERR_IO with a sentence in `problem`; then none is open. */
int agent_sockets_open(struct agent_sockets *sockets, struct config *config,
                       struct addresses *announced, struct buffer *problem) MUST_CHECK;
