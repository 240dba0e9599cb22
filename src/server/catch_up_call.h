/* A call of CatchUp that is served: the request goes to gossip's core, what the core gives comes
 * back piece by piece. It is asked for the next when nghttp2 has taken the last, so that a slow
 * reader holds one piece, and HTTP/2's own flow control holds the rest back. */
#pragma once
#include "server/grpc_call.h"

/* The request. */
void catch_up_call_message(struct grpc_call *call, struct bytes message);
/* Nothing waits to be sent: is the next piece to be asked for? */
void catch_up_call_drained(struct grpc_call *call);
void catch_up_call_gone(struct grpc_call *call);
/* A GIVE or an END. */
void catch_up_call_answer(struct grpc_call *call, const struct gossip_stream_action *action);
