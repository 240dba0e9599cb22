#include "rpc/heartbeat.h"
#include "base/check.h"
#include "rpc/grpc_frame.h"
#include "wire/peer.pb-c.h"

static void append_message(struct buffer *out, struct seal *seal, struct bytes message) {
    size_t length = message.length + (seal != NULL ? SEAL_EXTRA_BYTES : 0);
    uint8_t *room = buffer_reserve(out, GRPC_PREFIX_BYTES + length);
    CHECK(room != NULL);
    grpc_prefix_write(room, length);
    if (seal != NULL)
        seal_close(seal, SEAL_HEARTBEAT, message, room + GRPC_PREFIX_BYTES);
    else
        memcpy(room + GRPC_PREFIX_BYTES, message.data, message.length);
    buffer_grew(out, GRPC_PREFIX_BYTES + length);
}

static int open_message(struct bytes *message, struct seal *seal) {
    if (seal == NULL)
        return 0;
    return seal_open(seal, SEAL_HEARTBEAT, (uint8_t *)message->data, message->length, message);
}

void heartbeat_request_append(struct buffer *out, struct seal *seal,
                              const uint8_t nonce[HEARTBEAT_NONCE_BYTES]) {
    Trothdb__Peer__V1__HeartbeatRequest request = TROTHDB__PEER__V1__HEARTBEAT_REQUEST__INIT;
    uint8_t packed[HEARTBEAT_MAXIMUM_BYTES];
    request.nonce = (ProtobufCBinaryData){HEARTBEAT_NONCE_BYTES, (uint8_t *)nonce};
    CHECK(protobuf_c_message_get_packed_size(&request.base) <= sizeof packed);
    size_t length = protobuf_c_message_pack(&request.base, packed);
    append_message(out, seal, bytes_of(packed, length));
}

void heartbeat_reply_append(struct buffer *out, struct seal *seal,
                            const struct heartbeat_reply *reply) {
    Trothdb__Peer__V1__HeartbeatReply message = TROTHDB__PEER__V1__HEARTBEAT_REPLY__INIT;
    uint8_t packed[HEARTBEAT_MAXIMUM_BYTES];
    message.nonce = (ProtobufCBinaryData){HEARTBEAT_NONCE_BYTES, (uint8_t *)reply->nonce};
    message.uuid = (ProtobufCBinaryData){NODE_UUID_BYTES, (uint8_t *)reply->uuid};
    message.generation = reply->generation;
    CHECK(protobuf_c_message_get_packed_size(&message.base) <= sizeof packed);
    size_t length = protobuf_c_message_pack(&message.base, packed);
    append_message(out, seal, bytes_of(packed, length));
}

int heartbeat_request_read(struct bytes message, struct seal *seal,
                           uint8_t nonce[HEARTBEAT_NONCE_BYTES]) {
    int code = open_message(&message, seal);
    if (code != 0)
        return code;
    Trothdb__Peer__V1__HeartbeatRequest *request =
        trothdb__peer__v1__heartbeat_request__unpack(NULL, message.length, message.data);
    if (request == NULL)
        return ERR_MALFORMED;
    code = request->nonce.len == HEARTBEAT_NONCE_BYTES ? 0 : ERR_MALFORMED;
    if (code == 0)
        memcpy(nonce, request->nonce.data, HEARTBEAT_NONCE_BYTES);
    trothdb__peer__v1__heartbeat_request__free_unpacked(request, NULL);
    return code;
}

int heartbeat_reply_read(struct bytes message, struct seal *seal, struct heartbeat_reply *reply) {
    int code = open_message(&message, seal);
    if (code != 0)
        return code;
    Trothdb__Peer__V1__HeartbeatReply *said =
        trothdb__peer__v1__heartbeat_reply__unpack(NULL, message.length, message.data);
    if (said == NULL)
        return ERR_MALFORMED;
    bool is_whole = said->nonce.len == HEARTBEAT_NONCE_BYTES && said->uuid.len == NODE_UUID_BYTES;
    if (is_whole) {
        memcpy(reply->nonce, said->nonce.data, HEARTBEAT_NONCE_BYTES);
        memcpy(reply->uuid, said->uuid.data, NODE_UUID_BYTES);
        reply->generation = said->generation;
    }
    trothdb__peer__v1__heartbeat_reply__free_unpacked(said, NULL);
    return is_whole ? 0 : ERR_MALFORMED;
}
