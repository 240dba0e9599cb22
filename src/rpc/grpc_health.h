/* grpc.health.v1.Health as bytes: what service a request asks for, and the answer. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"

enum { GRPC_HEALTH_REQUEST_MAXIMUM = 4096 };

enum grpc_serving { GRPC_SERVING = 1, GRPC_NOT_SERVING = 2, GRPC_SERVICE_UNKNOWN = 3 };

/* *is_known: the request asks for the whole node ("") or the peer plane. ERR_MALFORMED. */
int grpc_health_request_read(struct bytes request, bool *is_known) MUST_CHECK;
/* Appends the answer with its gRPC prefix. */
void grpc_health_answer_append(struct buffer *out, enum grpc_serving serving);
