#include "io/real/socket.h"
#include "base/check.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>
#include <uv.h>

enum { SOCKET_BACKLOG = 511 };

int socket_address(const struct net_address *address, struct sockaddr_storage *out) {
    int code = strchr(address->host, ':')
                   ? uv_ip6_addr(address->host, address->port, (struct sockaddr_in6 *)out)
                   : uv_ip4_addr(address->host, address->port, (struct sockaddr_in *)out);
    return code == 0 ? 0 : ERR_INVALID;
}

void socket_address_to_net(const struct sockaddr *address, struct net_address *out) {
    *out = (struct net_address){.port = 0};
    bool is_v6 = address->sa_family == AF_INET6;
    uv_ip_name(address, out->host, sizeof out->host);
    out->port = ntohs(is_v6 ? ((const struct sockaddr_in6 *)address)->sin6_port
                            : ((const struct sockaddr_in *)address)->sin_port);
}

void socket_address_format(const struct sockaddr *address, char out[SOCKET_NAME_BYTES]) {
    struct net_address plain;
    socket_address_to_net(address, &plain);
    net_address_format(&plain, out);
}

bool socket_address_is_loopback(const struct net_address *address) {
    struct in_addr v4;
    if (inet_pton(AF_INET, address->host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    struct in6_addr v6;
    return inet_pton(AF_INET6, address->host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static socklen_t address_length(const struct sockaddr_storage *address) {
    return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in);
}

/* A bound socket, or -1 with errno. */
static int bound_socket(const struct sockaddr_storage *address, int type, bool is_shared) {
    int yes = 1;
    int made = socket(address->ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0)
        return -1;
    bool is_stream = type == SOCK_STREAM;
    if ((is_stream && setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0) ||
        (is_shared && setsockopt(made, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) != 0) ||
        bind(made, (const struct sockaddr *)address, address_length(address)) != 0 ||
        (is_shared && listen(made, SOCKET_BACKLOG) != 0)) {
        int cause = errno;
        close(made);
        errno = cause;
        return -1;
    }
    return made;
}

static int refuse_socket(const struct net_address *address, const char *port_name,
                         struct buffer *problem) {
    char name[SOCKET_NAME_BYTES];
    int cause = errno;
    net_address_format(address, name);
    buffer_append_format(problem, "%s: cannot listen on %s: %s%s", port_name, name, strerror(cause),
                         cause == EADDRINUSE ? "; another process has it, choose another port"
                                             : "");
    return ERR_IO;
}

/* Binding without SO_REUSEPORT fails where any other process listens. */
static bool is_free(const struct sockaddr_storage *address) {
    int claim = bound_socket(address, SOCK_STREAM, false);
    if (claim >= 0)
        close(claim);
    return claim >= 0;
}

int socket_listen(const struct net_address *address, const char *port_name, int sockets[],
                  unsigned count, struct buffer *problem) {
    struct sockaddr_storage to;
    errno = EINVAL;
    if (socket_address(address, &to) != 0 || !is_free(&to))
        return refuse_socket(address, port_name, problem);
    for (unsigned i = 0; i < count; i++) {
        sockets[i] = bound_socket(&to, SOCK_STREAM, true);
        if (sockets[i] >= 0)
            continue;
        int code = refuse_socket(address, port_name, problem);
        while (i-- > 0)
            close(sockets[i]);
        return code;
    }
    return 0;
}

int socket_bind_datagram(const struct net_address *address, const char *port_name, int *out,
                         struct buffer *problem) {
    struct sockaddr_storage to;
    errno = EINVAL;
    if (socket_address(address, &to) != 0 || (*out = bound_socket(&to, SOCK_DGRAM, false)) < 0)
        return refuse_socket(address, port_name, problem);
    return 0;
}
