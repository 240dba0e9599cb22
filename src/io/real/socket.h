/* Sockets bound by hand, before any thread starts, so that a port that is taken is one clear
 * sentence. */
#pragma once
#include "base/buffer.h"
#include "io/net.h"
#include <sys/socket.h>

enum { SOCKET_NAME_BYTES = NET_HOST_MAXIMUM + 10 };

/* 0 or ERR_INVALID where the host is not an IP address. */
int socket_address(const struct net_address *address, struct sockaddr_storage *out) MUST_CHECK;
/* "host:port" of a socket address. */
void socket_address_format(const struct sockaddr *address, char out[SOCKET_NAME_BYTES]);
void socket_address_to_net(const struct sockaddr *address, struct net_address *out);
bool socket_address_is_loopback(const struct net_address *address);

/* `count` sockets on one address. TCP sockets listen, and share it by SO_REUSEPORT; the kernel
 * spreads connections over them. That another process shares it as well is refused. ERR_IO with a
 * sentence in `problem`; then none is open. */
int socket_listen(const struct net_address *address, const char *port_name, int sockets[],
                  unsigned count, struct buffer *problem) MUST_CHECK;
int socket_bind_datagram(const struct net_address *address, const char *port_name, int *out,
                         struct buffer *problem) MUST_CHECK;
