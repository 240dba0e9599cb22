/* One call on a connection of the gRPC server, and how it is answered, whatever its method. Private
 * to the server. */
#pragma once
#include "base/containers/list.h"
#include "rpc/catch_up.h"
#include "rpc/grpc_frame.h"
#include "rpc/grpc_headers.h"
#include "rpc/grpc_health.h"
#include <nghttp2/nghttp2.h>

struct grpc_server_options;

enum grpc_method {
    GRPC_METHOD_UNKNOWN,
    GRPC_METHOD_EXCHANGE,
    GRPC_METHOD_HEARTBEAT,
    GRPC_METHOD_CATCH_UP,
    GRPC_METHOD_CHECK,
    GRPC_METHOD_WATCH
};

struct grpc_call {
    struct list link; /* of the connection's calls */
    const struct grpc_server_options *options;
    nghttp2_session *session;
    int32_t stream_id;
    enum grpc_method method;
    bool is_grpc;     /* by its content type */
    bool is_counted;  /* among the Exchanges of its connection: it was started as one */
    bool is_begun;    /* headers have gone out */
    bool is_finished; /* the status is decided; input is ignored */
    bool is_watching; /* a Watch that was answered */
    enum grpc_status status;
    const char *message;                        /* static */
    enum grpc_serving told;                     /* the last answer of a Watch */
    struct http2 *http2;                        /* of its connection */
    uint64_t stream;                            /* of a CatchUp: its number among the server's */
    bool is_catching_up;                        /* gossip has heard of it, and not ended it */
    void (*on_drained)(struct grpc_call *call); /* nothing of `output` waits; may be NULL */
    bool is_given;                              /* a piece that nghttp2 has not taken yet */
    bool is_on_its_way; /* one that it has, and the reader has not acknowledged */
    uint8_t nonce[CATCH_UP_NONCE_BYTES];
    struct grpc_reader reader;
    bool is_known;         /* a message of it was taken: it is a peer's */
    size_t *strange_bytes; /* of the server: what is held of calls that are not, */
    size_t counted_bytes;  /* and what this one has added to it */
    struct buffer output;
};

/* The headers of the answer; then what is in `output` goes. */
void grpc_call_begin_response(struct grpc_call *call);
/* The status, behind what is in `output`; `message` is static. The first one counts. */
void grpc_call_finish(struct grpc_call *call, enum grpc_status status, const char *message);
