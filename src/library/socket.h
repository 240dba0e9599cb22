/* The runner's socket: plain POSIX, never blocking. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include "io/net.h"
#include <sys/socket.h>

/* "address:port" where the port may be 0. ERR_INVALID. */
int udp_bind_parse(struct net_address *address, const char *text) MUST_CHECK;
/* A bound UDP socket in `out`; port 0 becomes the one that the system chose. ERR_IO. */
int udp_socket_open(struct net_address *address, int *out, struct buffer *problem) MUST_CHECK;
/* Whether the system took it. */
bool udp_socket_send(int socket, const struct net_address *to, struct bytes datagram);
/* The length of the next datagram, which may be more than `room_bytes`; below 0: there is none. */
ssize_t udp_socket_receive(int socket, uint8_t *room, size_t room_bytes, struct net_address *from);
/* Is it 0.0.0.0 or ::, which nobody can be reached at? */
bool udp_address_is_any(const struct net_address *address);
bool udp_address_is_ipv6(const struct net_address *address);
