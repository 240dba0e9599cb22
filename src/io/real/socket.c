#include "io/real/socket.h"
#include <errno.h>
#include <unistd.h>

enum { SOCKET_BACKLOG = 511 };

/* A bound socket, or -1 with errno. */
static int bound_socket(const struct net_address *address, int type, bool is_shared) {
    struct sockaddr_storage to;
    socklen_t length = socket_address(address, &to);
    errno = EINVAL;
    if (length == 0)
        return -1;
    int yes = 1;
    int made = socket(to.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0)
        return -1;
    bool is_stream = type == SOCK_STREAM;
    if ((is_stream && setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0) ||
        (is_shared && setsockopt(made, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) != 0) ||
        bind(made, (const struct sockaddr *)&to, length) != 0 ||
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
static bool is_free(const struct net_address *address) {
    int claim = bound_socket(address, SOCK_STREAM, false);
    if (claim >= 0)
        close(claim);
    return claim >= 0;
}

int socket_listen(const struct net_address *address, const char *port_name, int sockets[],
                  unsigned count, struct buffer *problem) {
    if (!is_free(address))
        return refuse_socket(address, port_name, problem);
    for (unsigned i = 0; i < count; i++) {
        sockets[i] = bound_socket(address, SOCK_STREAM, true);
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
    *out = bound_socket(address, SOCK_DGRAM, false);
    return *out < 0 ? refuse_socket(address, port_name, problem) : 0;
}
