/* The headers of a gRPC call, as HTTP/2 carries them (gRPC over HTTP2, "Requests"), and the numbers
 * of its statuses. */
#pragma once
#include "io/net.h"
#include <nghttp2/nghttp2.h>

/* grpc.io, "Status codes and their use in gRPC" */
enum grpc_status {
    GRPC_OK = 0,
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_NOT_FOUND = 5,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_FAILED_PRECONDITION = 9,
    GRPC_ABORTED = 10,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_UNAUTHENTICATED = 16
};

/* Borrows both, until nghttp2 has copied them when it is submitted. */
nghttp2_nv grpc_header(const char *name, const char *value);
/* Begins a call of `path`; its messages come from `body`. The stream's number, or below 0: nghttp2
 * has no stream left. */
int32_t grpc_submit_request(nghttp2_session *session, const char *path,
                            const struct net_address *to, const nghttp2_data_provider *body);
