/* What this node takes by streams: calls of CatchUp, each on a connection of its own (grpc_ask.h),
 * as gossip's core asks for them by GOSSIP_STREAM_OPEN. Time limits are the core's. */
#pragma once
#include "gossip/gossip.h"
#include "rpc/grpc_ask.h"
#include "seal/seal.h"

enum { CATCH_UP_ASKS_MAXIMUM = 8 }; /* at a time, those that were given up and close among them */

struct catch_up_ask;
struct catch_up_asks {
    struct grpc_asks *asks;
    struct seal *seal; /* NULL: no key is set */
    /* From the loop: a piece, and the end. */
    void (*piece)(void *context, uint64_t stream, struct bytes piece);
    void (*ended)(void *context, uint64_t stream, enum gossip_stream_outcome outcome);
    void *context;
    struct catch_up_ask *all[CATCH_UP_ASKS_MAXIMUM];
    unsigned count;
};

/* An OPEN or a DROP. Where it cannot be opened nothing comes of it, which the core takes for
 * silence. */
void catch_up_asks_do(struct catch_up_asks *asks, const struct gossip_stream_action *action);
/* Ends all; then the loop has to run. Nothing is called any more. */
void catch_up_asks_close(struct catch_up_asks *asks);
