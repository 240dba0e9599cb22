/* One outgoing stream of the peer plane: a gRPC call of Exchange to one address, which opens itself
 * again whenever it ends. Messages wait in a bounded queue until HTTP/2 takes them; what waits when
 * the stream ends is dropped.
 *
 *     WAITING --timer--> CONNECTING --> OPEN --(socket or call ends)--> WAITING
 *
 * The first try is made at once, the next after 20 ms, doubled up to 500 ms. Once the other end has
 * answered, a loss begins again with a try at once. */
#pragma once
#include "io/net.h"
#include "seal/seal.h"
#include <uv.h>

enum {
    GRPC_CLIENT_QUEUE_BYTES = 96 << 20, /* waiting for HTTP/2; above NET_PEER_MESSAGE_MAXIMUM */
    GRPC_CLIENT_RETRY_FIRST_MS = 20,
    GRPC_CLIENT_RETRY_LAST_MS = 500
};

struct grpc_client;

struct grpc_client_options {
    uv_loop_t *loop;
    uint8_t *input;    /* HTTP2_INPUT_BYTES, shared by the connections of the loop */
    struct seal *seal; /* NULL: messages go unsealed. Borrowed */
    /* An open stream is gone. `reason` borrows. Called from the loop, never from within a call of
     * the owner's. */
    void (*lost)(void *context, const char *reason);
    void (*freed)(void *context); /* grpc_client_free is done */
    void *context;
};

struct grpc_client *grpc_client_new(const struct grpc_client_options *options);
/* Frees when its handles are closed, from the loop; nothing but `freed` is called any more. */
void grpc_client_free(struct grpc_client *client);
/* Opens, or closes and opens anew where the address is another one. */
void grpc_client_set_address(struct grpc_client *client, const struct net_address *address);
const struct net_address *grpc_client_address(const struct grpc_client *client);
/* Queues a message and writes it if the socket takes it. False: no open stream, or the queue is
 * full. */
bool grpc_client_send(struct grpc_client *client, struct bytes message);
/* False if no stream is open. */
bool grpc_client_link(const struct grpc_client *client, struct net_link *link);
/* Notices a dead connection; a few times a second. */
void grpc_client_check_alive(struct grpc_client *client);
