/* The call Heartbeat of the peer plane, as bytes: "who is there?", and the answer. Sealed where a
 * cluster key is set, so that only a member is taken for one. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include "member/identity.h"
#include "seal/seal.h"

enum {
    HEARTBEAT_NONCE_BYTES = 16,
    HEARTBEAT_MAXIMUM_BYTES = 128 + SEAL_EXTRA_BYTES /* of a message, sealed */
};
#define HEARTBEAT_PATH "/trothdb.peer.v1.Peer/Heartbeat"

struct heartbeat_reply {
    uint8_t nonce[HEARTBEAT_NONCE_BYTES];
    uint8_t uuid[NODE_UUID_BYTES];
    uint64_t generation;
};

/* With its gRPC prefix. `seal` may be NULL. */
void heartbeat_request_append(struct buffer *out, struct seal *seal,
                              const uint8_t nonce[HEARTBEAT_NONCE_BYTES]);
void heartbeat_reply_append(struct buffer *out, struct seal *seal,
                            const struct heartbeat_reply *reply);
/* Both may change the message. ERR_REFUSED: it does not open; ERR_MALFORMED. */
int heartbeat_request_read(struct bytes message, struct seal *seal,
                           uint8_t nonce[HEARTBEAT_NONCE_BYTES]) MUST_CHECK;
int heartbeat_reply_read(struct bytes message, struct seal *seal,
                         struct heartbeat_reply *reply) MUST_CHECK;
