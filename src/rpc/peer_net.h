/* The peer plane of one worker, as the struct net that the worker sends through: a stream to every
 * peer, and a server for the streams of others. Incoming messages and lost streams are calls to the
 * owner. */
#pragma once
#include "io/net.h"
#include "metric/metric.h"
#include "rpc/grpc_server.h"

enum { PEER_NET_COMPLAINT_MS = 5000 /* a peer that is lost again and again is logged so often */ };

struct peer_net;

struct peer_net_options {
    uv_loop_t *loop;
    struct seal *seal;               /* NULL: no key is set. Borrowed */
    const struct identity *identity; /* borrowed */
    const struct log *log;
    unsigned connection_maximum;                        /* as in struct grpc_server_options */
    struct metrics *metrics;                            /* of the loop's thread */
    int (*exchange)(void *context, struct bytes batch); /* as in struct grpc_server_options */
    bool (*is_serving)(void *context);
    void (*gossip_stream)(void *context, enum gossip_event_kind kind, uint64_t stream,
                          struct bytes request); /* the same */
    void (*lost)(void *context, uint32_t node_number);
    void *context;
};

struct peer_net *peer_net_new(const struct peer_net_options *options);
struct net *peer_net_door(struct peer_net *peer_net);
/* As grpc_server_stream(). */
void peer_net_stream(struct peer_net *peer_net, const struct gossip_stream_action *action);
/* Accepts on a listening socket, which it takes. 0 or ERR_IO. */
int peer_net_listen(struct peer_net *peer_net, int socket) MUST_CHECK;
/* Ends every stream; then the loop has to run until nothing is left on it. */
void peer_net_close(struct peer_net *peer_net);
void peer_net_free(struct peer_net *peer_net);
