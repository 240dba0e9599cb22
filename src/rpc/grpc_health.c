#include "rpc/grpc_health.h"
#include "rpc/grpc_frame.h"
#include "wire/health.pb-c.h"

int grpc_health_request_read(struct bytes request, bool *is_known) {
    Grpc__Health__V1__HealthCheckRequest *message =
        grpc__health__v1__health_check_request__unpack(NULL, request.length, request.data);
    if (message == NULL)
        return ERR_MALFORMED;
    *is_known =
        message->service[0] == '\0' || strcmp(message->service, "trothdb.peer.v1.Peer") == 0;
    grpc__health__v1__health_check_request__free_unpacked(message, NULL);
    return 0;
}

void grpc_health_answer_append(struct buffer *out, enum grpc_serving serving) {
    Grpc__Health__V1__HealthCheckResponse message = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    message.status = (Grpc__Health__V1__HealthCheckResponse__ServingStatus)serving;
    size_t length = grpc__health__v1__health_check_response__get_packed_size(&message);
    uint8_t *room = buffer_reserve(out, GRPC_PREFIX_BYTES + length);
    if (room == NULL)
        return;
    grpc_prefix_write(room, length);
    grpc__health__v1__health_check_response__pack(&message, room + GRPC_PREFIX_BYTES);
    buffer_grew(out, GRPC_PREFIX_BYTES + length);
}
