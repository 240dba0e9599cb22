/* Addresses as the system's sockets have them. */
#pragma once
#include "io/net.h"
#include <sys/socket.h>

enum { SOCKET_NAME_BYTES = NET_HOST_MAXIMUM + 10 };

/* Its length; 0 where the host is not an IP address. */
socklen_t socket_address(const struct net_address *address,
                         struct sockaddr_storage *out) MUST_CHECK;
void socket_address_to_net(const struct sockaddr *address, struct net_address *out);
/* "host:port", as net_address_format(). */
void socket_address_format(const struct sockaddr *address, char out[SOCKET_NAME_BYTES]);
/* Has that socket a way there? One that is bound to IPv4 has none to IPv6. */
bool socket_has_way_to(int socket, const struct net_address *to);
bool socket_address_is_loopback(const struct net_address *address);
