/* Members that do not answer gossip's datagrams, tried by a stream: one call of Heartbeat on a
 * connection of its own (grpc_ask.h). An answer of the right member is a contact; anything else is
 * nothing. All is over within STREAM_TRY_MS.
 *
 * So a network that drops UDP, or a firewall that never let it through, makes nobody look dead. */
#pragma once
#include "member/identity.h"
#include "rpc/grpc_ask.h"
#include "seal/seal.h"

enum {
    STREAM_TRY_MS = 1000,
    STREAM_TRY_MAXIMUM = 8 /* at a time; further ones are not begun */
};

struct stream_try;
struct stream_tries {
    struct grpc_asks *asks;
    struct seal *seal; /* NULL: no key is set */
    void (*answered)(void *context, const uint8_t uuid[NODE_UUID_BYTES],
                     const struct net_address *address);
    void *context;
    struct stream_try *tries[STREAM_TRY_MAXIMUM];
    unsigned count;
};

/* Borrows the asks, and the seal, which may be NULL. */
void stream_tries_init(struct stream_tries *tries, struct grpc_asks *asks, struct seal *seal,
                       void (*answered)(void *context, const uint8_t uuid[NODE_UUID_BYTES],
                                        const struct net_address *address),
                       void *context);
/* Nothing is done where that member is being tried already, or all places are taken. */
void stream_tries_begin(struct stream_tries *tries, const uint8_t uuid[NODE_UUID_BYTES],
                        const struct net_address *address);
/* Ends all; then the loop has to run. Nothing is called any more. */
void stream_tries_close(struct stream_tries *tries);
