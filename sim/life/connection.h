/* A client's connection to a node's client port: bytes there, bytes back, in order, with the
 * network's delays. Clients are outside the cluster: partitions between nodes do not cut them off
 * from any, so that they see what an old leader says. */
#pragma once
#include "sim/cluster/node.h"
#include "sim/world/fifo.h"
#include "wire/response.h"

/* What the systems of both ends keep of what the client does not read. */
enum { CONNECTION_WINDOW_BYTES = 16 << 10 };

enum connection_state { CONNECTION_CLOSED, CONNECTION_CONNECTING, CONNECTION_OPEN };

/* What was sent on one that was never accepted was never read. Of one that the node closes because
 * no more was to come, all was answered. */
enum connection_loss { CONNECTION_NOT_ACCEPTED, CONNECTION_BROKEN, CONNECTION_CLOSED_AT_END };

struct connection_user {
    void (*reply)(void *context, unsigned node, const struct response *response);
    void (*lost)(void *context, unsigned node, enum connection_loss loss); /* closed already */
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
    bool is_ended;           /* the client's end sends no more */
    bool is_paused;
    unsigned held_count;    /* deliveries that wait for the end of the pause */
    uint64_t reads_from_us; /* the client's end reads nothing before */
    size_t unread_bytes;    /* sent by the node and not read: CONNECTION_WINDOW_BYTES at the most */
    bool is_closing;        /* by the node, once its output has left */
    struct fifo to_node, to_client;
    uint64_t to_node_at_us, to_client_at_us;
    struct buffer inbox; /* arrived at the client, not yet a whole reply */
};

void connection_init(struct connection *connection, struct simulation *simulation, unsigned node,
                     const struct connection_user *user);
void connection_release(struct connection *connection);
void connection_send(struct connection *connection, struct bytes bytes); /* opens it if need be */
/* Behind all that was sent: no more comes, and what came is to be answered. What is sent later goes
 * over a new one. */
void connection_end(struct connection *connection);
void connection_close(struct connection *connection); /* by the client */
/* The client's end reads nothing for so long: when the systems in between are full, what the node
 * has to say stays with the node. */
void connection_stop_reading(struct connection *connection, uint64_t for_us);

/* The node's side. Takes from the output what there is room for; the rest is asked for later. */
void connection_output(struct connection *connection, struct buffer *output);
void connection_close_by_server(struct connection *connection);
void connection_pause(struct connection *connection, bool is_paused);
void connections_node_died(struct simulation *simulation, unsigned node);
