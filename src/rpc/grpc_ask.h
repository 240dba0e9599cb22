/* One call on a connection of its own: connected, asked, answered, closed. For what is asked now
 * and then, of somebody to whom no stream is kept open.
 *
 *     grpc_ask_begin --> connect --> the request --> heard() for each message --> ended(status)
 *
 * All of one loop share a room for input, which is there only while somebody asks. */
#pragma once
#include "base/bytes.h"
#include "io/net.h"
#include <uv.h>

enum { GRPC_ASK_BROKEN = -1 }; /* no status came: not connected, cut off, or out of time */

struct grpc_ask;
struct grpc_asks {
    uv_loop_t *loop;
    uint8_t *input; /* HTTP2_INPUT_BYTES, while anybody asks */
    unsigned count;
};

struct grpc_ask_options {
    const char *path;
    const struct net_address *to;
    struct bytes request;         /* with its prefix (grpc_frame.h). Copied */
    size_t message_maximum_bytes; /* of an answer; a longer one ends the call */
    uint64_t limit_ms;            /* for all of it; 0: none */
    /* Both from the loop. `message` may be changed in place. In `heard` the ask may be ended. */
    void (*heard)(void *context, struct bytes message);
    void (*ended)(void *context,
                  int status); /* a grpc_status or GRPC_ASK_BROKEN; then it is gone */
    void *context;
};

void grpc_asks_init(struct grpc_asks *asks, uv_loop_t *loop);
/* Owned by itself until `ended`, which always comes. NULL: `to` is no address. */
struct grpc_ask *grpc_ask_begin(struct grpc_asks *asks, const struct grpc_ask_options *options);
/* Gives it up: nothing is heard any more, and `ended` comes as GRPC_ASK_BROKEN. */
void grpc_ask_end(struct grpc_ask *ask);
