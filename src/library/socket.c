#include "library/socket.h"
#include "io/socket_address.h"
#include <errno.h>
#include <unistd.h>

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
    socklen_t length = socket_address(address, &bound);
    int made = socket(bound.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made >= 0 && bind(made, (struct sockaddr *)&bound, length) == 0 &&
        getsockname(made, (struct sockaddr *)&bound, &length) == 0) {
        socket_address_to_net((struct sockaddr *)&bound, address);
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
    socklen_t length = socket_address(to, &address);
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
        socket_address_to_net((struct sockaddr *)&address, from);
    return length;
}

bool udp_address_is_any(const struct net_address *address) {
    return strcmp(address->host, "0.0.0.0") == 0 || strcmp(address->host, "::") == 0;
}

bool udp_address_is_ipv6(const struct net_address *address) {
    return strchr(address->host, ':') != NULL;
}
