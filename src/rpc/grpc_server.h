/* The gRPC server of the peer port: takes the Exchange streams of other nodes, and answers health
 * checks.
 *
 *   /trothdb.peer.v1.Peer/Exchange   every message goes to options.exchange; what that refuses ends
 *                                    the call with a status
 *   /trothdb.peer.v1.Peer/Heartbeat  who this node is
 *   /trothdb.peer.v1.Peer/CatchUp    what the caller lacks of gossip's state, by
 *                                    options.gossip_stream
 *   /grpc.health.v1.Health/Check     SERVING, NOT_SERVING; NOT_FOUND for an unknown service
 *   /grpc.health.v1.Health/Watch     the same, told again within GRPC_SERVER_CHECK_MS of a change
 *   anything else                    UNIMPLEMENTED */
#pragma once
#include "base/log.h"
#include "gossip/gossip.h"
#include "io/net.h"
#include "member/identity.h"
#include "seal/seal.h"
#include <uv.h>

enum {
    GRPC_SERVER_CONNECTION_MAXIMUM = 4096, /* further ones are closed at once */
    /* Held on all connections together of first messages that are not whole: until its seal is
     * seen, nobody knows whose a message is. Two of the longest fit. */
    GRPC_SERVER_STRANGE_BYTES = 2 * (NET_PEER_MESSAGE_MAXIMUM + (64 << 10)),
    GRPC_SERVER_OUTPUT_MAXIMUM_BYTES =
        16 << 10,               /* answers waiting in one call; past it a watcher misses a change */
    GRPC_SERVER_CHECK_MS = 500, /* how often connections and health are looked at */
    GRPC_SERVER_BACKLOG = 511
};

struct grpc_server;

struct grpc_server_options {
    uv_loop_t *loop;
    uint8_t *input;                  /* HTTP2_INPUT_BYTES, shared by the connections of the loop */
    struct seal *seal;               /* NULL: no key is set. Borrowed */
    const struct identity *identity; /* borrowed */
    const struct log *log;
    unsigned connection_maximum; /* 0: GRPC_SERVER_CONNECTION_MAXIMUM */
    size_t strange_maximum;      /* 0: GRPC_SERVER_STRANGE_BYTES */
    int (*exchange)(void *context,
                    struct bytes message); /* 0, ERR_REFUSED: another cluster; ERR_MALFORMED */
    bool (*is_serving)(void *context);
    /* GOSSIP_STREAM_ASKED with the request, _ROOM or _GONE, of the stream of that number; answered
     * by grpc_server_stream(), never from within. NULL: there is no CatchUp. */
    void (*gossip_stream)(void *context, enum gossip_event_kind kind, uint64_t stream,
                          struct bytes request);
    void *context;
};

struct grpc_server *grpc_server_new(const struct grpc_server_options *options);
/* Accepts on a bound socket, which it takes. 0 or ERR_IO. */
int grpc_server_listen(struct grpc_server *server, int socket) MUST_CHECK;
/* A GIVE or an END of gossip's; nothing where the call is gone. */
void grpc_server_stream(struct grpc_server *server, const struct gossip_stream_action *action);
/* Closes everything; frees from the loop when all is closed. */
void grpc_server_free(struct grpc_server *server);
