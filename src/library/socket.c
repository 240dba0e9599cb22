#include "library/socket.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

static socklen_t address_out(const struct net_address *address, struct sockaddr_storage *out) {
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

static void address_in(const struct sockaddr_storage *address, struct net_address *out) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    bool is_v6 = address->ss_family == AF_INET6;
    *out = (struct net_address){.port = ntohs(is_v6 ? v6->sin6_port : v4->sin_port)};
    inet_ntop(address->ss_family, is_v6 ? (const void *)&v6->sin6_addr : &v4->sin_addr, out->host,
              sizeof out->host);
}

int udp_bind_parse(struct net_address *address, const char *text) {
    size_t length = strlen(text);
    char with_port[NET_HOST_MAXIMUM + 10];
    if (length < 2 || length >= sizeof with_port || strcmp(text + length - 2, ":0") != 0)
        return net_address_parse(address, bytes_of_text(text));
    memcpy(with_port, text, length + 1);
    with_port[length - 1] = '1';
    int code = net_address_parse(address, bytes_of_text(with_port));
    address->port = 0;
    return code;
}

int udp_socket_open(struct net_address *address, int *out, struct buffer *problem) {
    struct sockaddr_storage bound;
    socklen_t length = address_out(address, &bound);
    int made = socket(bound.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made >= 0 && bind(made, (struct sockaddr *)&bound, length) == 0 &&
        getsockname(made, (struct sockaddr *)&bound, &length) == 0) {
        address_in(&bound, address);
        *out = made;
        return 0;
    }
    char name[NET_HOST_MAXIMUM + 10];
    net_address_format(address, name);
    buffer_append_format(problem, "bind: cannot use %s: %s", name, strerror(errno));
    if (made >= 0)
        close(made);
    return ERR_IO;
}

bool udp_socket_send(int socket, const struct net_address *to, struct bytes datagram) {
    struct sockaddr_storage address;
    socklen_t length = address_out(to, &address);
    return length > 0 && sendto(socket, datagram.data, datagram.length, 0,
                                (struct sockaddr *)&address, length) >= 0;
}

/* A refusal that came back for something sent earlier (ICMP) is no datagram, and no end of them. */
ssize_t udp_socket_receive(int socket, uint8_t *room, size_t room_bytes, struct net_address *from) {
    struct sockaddr_storage address;
    ssize_t length;
    do {
        socklen_t address_length = sizeof address;
        length = recvfrom(socket, room, room_bytes, MSG_TRUNC, (struct sockaddr *)&address,
                          &address_length);
    } while (length < 0 && (errno == ECONNREFUSED || errno == EINTR));
    if (length >= 0)
        address_in(&address, from);
    return length;
}

bool udp_address_is_loopback(const struct net_address *address) {
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, address->host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, address->host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool udp_address_is_any(const struct net_address *address) {
    return strcmp(address->host, "0.0.0.0") == 0 || strcmp(address->host, "::") == 0;
}
