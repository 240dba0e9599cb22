#include "agent/agent_sockets.h"
#include "process/seeds.h"
#include <unistd.h>

/* The datagram socket first: nobody shares it, so who has it has the ports that belong to it. */
static int open_on(struct agent_sockets *sockets, const struct addresses *bound,
                   struct buffer *problem) {
    const struct {
        const struct net_address *address;
        const char *name;
        int *socket;
    } streams[] = {{&bound->client, "port", &sockets->client},
                   {&bound->peer, "peer-port", &sockets->peer},
                   {&bound->admin, "admin-port", &sockets->admin}};
    int code = socket_bind_datagram(&bound->peer, "peer-port", &sockets->datagram, problem);
    if (code != 0)
        return code;
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        code = socket_listen(streams[i].address, streams[i].name, streams[i].socket, 1, problem);
        if (code == 0)
            continue;
        while (i-- > 0)
            close(*streams[i].socket);
        close(sockets->datagram);
        return code;
    }
    return 0;
}

static int open_free(struct agent_sockets *sockets, struct config *config,
                     struct addresses *announced, struct buffer *problem) {
    for (config->port = AGENT_PORT_FIRST; config->port <= AGENT_PORT_LAST; config->port++) {
        struct addresses bound;
        buffer_clear(problem);
        int code = addresses_of(config, &bound, announced, problem);
        if (code != 0)
            return code;
        if (open_on(sockets, &bound, problem) == 0)
            return 0;
    }
    buffer_clear(problem);
    buffer_append_format(problem, "port: none from %d to %d is free; choose one with --port",
                         AGENT_PORT_FIRST, AGENT_PORT_LAST);
    return ERR_IO;
}

int agent_sockets_open(struct agent_sockets *sockets, struct config *config,
                       struct addresses *announced, struct buffer *problem) {
    struct addresses bound;
    struct seeds seeds;
    int code = seeds_parse(&seeds, config->join, problem);
    if (code != 0)
        return code;
    if (config->port == 0)
        return open_free(sockets, config, announced, problem);
    code = addresses_of(config, &bound, announced, problem);
    return code == 0 ? open_on(sockets, &bound, problem) : code;
}
