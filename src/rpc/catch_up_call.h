/* A call of CatchUp that is served: the request goes to gossip's core, what the core gives comes
 * back piece by piece. It is asked for the next when the last has arrived: behind each goes a PING,
 * which the reader's HTTP/2 acknowledges when it has read what came before. So a slow reader holds
 * one piece, and who serves knows how far a stream came that is cut. */
#pragma once
#include "rpc/grpc_response.h"

/* The request. */
void catch_up_call_message(struct grpc_call *call, struct bytes message);
/* A PING of that number was acknowledged. */
void catch_up_call_acknowledged(struct grpc_call *call);
void catch_up_call_gone(struct grpc_call *call);
/* A GIVE or an END. */
void catch_up_call_answer(struct grpc_call *call, const struct gossip_stream_action *action);
