/* Sockets bound by hand, before any thread starts, so that a port that is taken is one clear
 * sentence. */
#pragma once
#include "base/buffer.h"
#include "io/socket_address.h"

/* `count` sockets on one address. TCP sockets listen, and share it by SO_REUSEPORT; the kernel
 * spreads connections over them. That another process shares it as well is refused. ERR_IO with a
 * sentence in `problem`; then none is open. */
int socket_listen(const struct net_address *address, const char *port_name, int sockets[],
                  unsigned count, struct buffer *problem) MUST_CHECK;
int socket_bind_datagram(const struct net_address *address, const char *port_name, int *out,
                         struct buffer *problem) MUST_CHECK;
