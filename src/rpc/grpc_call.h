/* A call of the gRPC server from its headers on: what comes in goes to its method, and what that
 * answers goes out (grpc_response.h). Private to the server. */
#pragma once
#include "rpc/grpc_response.h"
#include "rpc/grpc_server.h"

struct grpc_call *grpc_call_new(const struct grpc_server_options *options, nghttp2_session *session,
                                int32_t stream_id);
void grpc_call_free(struct grpc_call *call);
void grpc_call_header(struct grpc_call *call, struct bytes name, struct bytes value);
void grpc_call_start(struct grpc_call *call); /* all headers are there */
void grpc_call_input(struct grpc_call *call, struct bytes piece);
void grpc_call_input_ended(struct grpc_call *call);
/* Tells a watcher what changed; true if there is something to flush. */
bool grpc_call_watch(struct grpc_call *call, bool is_serving);
