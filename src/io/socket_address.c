#include "io/socket_address.h"
#include <arpa/inet.h>
#include <netinet/in.h>

socklen_t socket_address(const struct net_address *address, struct sockaddr_storage *out) {
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, address->host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(address->port);
        return sizeof *v4;
    }
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address->port);
    return inet_pton(AF_INET6, address->host, &v6->sin6_addr) == 1 ? sizeof *v6 : 0;
}

void socket_address_to_net(const struct sockaddr *address, struct net_address *out) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
    bool is_v6 = address->sa_family == AF_INET6;
    *out = (struct net_address){.port = ntohs(is_v6 ? v6->sin6_port : v4->sin_port)};
    inet_ntop(address->sa_family, is_v6 ? (const void *)&v6->sin6_addr : &v4->sin_addr, out->host,
              sizeof out->host);
}

void socket_address_format(const struct sockaddr *address, char out[SOCKET_NAME_BYTES]) {
    struct net_address plain;
    socket_address_to_net(address, &plain);
    net_address_format(&plain, out);
}

bool socket_has_way_to(int socket, const struct net_address *to) {
    struct sockaddr_storage bound = {0}, address;
    socklen_t length = sizeof bound;
    bool is_v4 =
        getsockname(socket, (struct sockaddr *)&bound, &length) == 0 && bound.ss_family == AF_INET;
    return socket_address(to, &address) > 0 && (!is_v4 || address.ss_family == AF_INET);
}

bool socket_address_is_loopback(const struct net_address *address) {
    struct in_addr v4;
    if (inet_pton(AF_INET, address->host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    struct in6_addr v6;
    return inet_pton(AF_INET6, address->host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}
