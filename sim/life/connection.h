/* A client's connection to a node's client port: bytes there, bytes back, in order, with the
 * network's delays. Clients are outside the cluster: partitions between nodes do not cut them off
 * from any, so that they see what an old leader says. */
#pragma once
#include "sim/cluster/node.h"
#include "sim/world/fifo.h"
#include "wire/response.h"

enum connection_state { CONNECTION_CLOSED, CONNECTION_CONNECTING, CONNECTION_OPEN };

struct connection_user {
    void (*reply)(void *context, unsigned node, const struct response *response);
    /* It is closed already. What was sent on one that was never accepted was never read. */
    void (*lost)(void *context, unsigned node, bool was_accepted);
    void *context;
};

struct connection {
    struct simulation *simulation;
    struct connection_user user;
    struct connection *next; /* of all that the simulation has */
    unsigned node, worker;
    enum connection_state state;
    uint64_t life;           /* raised when it closes: what was under way is void */
    struct session *session; /* the node's end; NULL until it is accepted */
    bool is_paused;
    unsigned held_count; /* deliveries that wait for the end of the pause */
    struct fifo to_node, to_client;
    uint64_t to_node_at_us, to_client_at_us;
    struct buffer inbox; /* arrived at the client, not yet a whole reply */
};

void connection_init(struct connection *connection, struct simulation *simulation, unsigned node,
                     const struct connection_user *user);
void connection_release(struct connection *connection);
void connection_open(struct connection *connection);
void connection_send(struct connection *connection, struct bytes bytes); /* opens it if need be */
void connection_close(struct connection *connection);                    /* by the client */

/* The node's side. */
void connection_output(struct connection *connection, struct buffer *output);
void connection_close_by_server(struct connection *connection);
void connection_pause(struct connection *connection, bool is_paused);
void connections_node_died(struct simulation *simulation, unsigned node);
