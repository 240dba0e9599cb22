#include "rpc/catch_up.h"
#include "base/check.h"
#include "base/memory.h"
#include "rpc/grpc_frame.h"
#include "wire/peer.pb-c.h"

/* Request and piece have the same two fields by the same numbers. */
bool catch_up_append(struct buffer *out, struct seal *seal,
                     const uint8_t nonce[CATCH_UP_NONCE_BYTES], struct bytes gossip) {
    Trothdb__Peer__V1__CatchUpPiece piece = TROTHDB__PEER__V1__CATCH_UP_PIECE__INIT;
    piece.nonce = (ProtobufCBinaryData){CATCH_UP_NONCE_BYTES, (uint8_t *)nonce};
    piece.fill = (ProtobufCBinaryData){gossip.length, (uint8_t *)gossip.data};
    size_t plain = protobuf_c_message_get_packed_size(&piece.base);
    size_t length = plain + (seal != NULL ? SEAL_EXTRA_BYTES : 0);
    CHECK(length <= CATCH_UP_MAXIMUM_BYTES);
    uint8_t *room = buffer_reserve(out, GRPC_PREFIX_BYTES + length);
    if (room == NULL)
        return false;
    grpc_prefix_write(room, length);
    if (seal == NULL) {
        protobuf_c_message_pack(&piece.base, room + GRPC_PREFIX_BYTES);
    } else {
        uint8_t *packed = memory_allocate(plain);
        protobuf_c_message_pack(&piece.base, packed);
        seal_close(seal, SEAL_CATCH_UP, bytes_of(packed, plain), room + GRPC_PREFIX_BYTES);
        memory_free(packed);
    }
    buffer_grew(out, GRPC_PREFIX_BYTES + length);
    return true;
}

int catch_up_read(struct bytes message, struct seal *seal, uint8_t nonce[CATCH_UP_NONCE_BYTES],
                  struct buffer *gossip) {
    int code = 0;
    if (seal != NULL)
        code = seal_open(seal, SEAL_CATCH_UP, (uint8_t *)message.data, message.length, &message);
    if (code != 0)
        return code;
    Trothdb__Peer__V1__CatchUpPiece *piece =
        trothdb__peer__v1__catch_up_piece__unpack(NULL, message.length, message.data);
    if (piece == NULL)
        return ERR_MALFORMED;
    bool is_whole = piece->nonce.len == CATCH_UP_NONCE_BYTES && piece->fill.len > 0 &&
                    piece->fill.len <= GOSSIP_STREAM_MESSAGE_MAXIMUM;
    if (is_whole) {
        memcpy(nonce, piece->nonce.data, CATCH_UP_NONCE_BYTES);
        buffer_append(gossip, piece->fill.data, piece->fill.len);
    }
    trothdb__peer__v1__catch_up_piece__free_unpacked(piece, NULL);
    return is_whole ? 0 : ERR_MALFORMED;
}
