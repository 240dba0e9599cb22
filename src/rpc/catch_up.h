/* The call CatchUp of the peer plane, as bytes: a DIGEST of gossip, answered by FILLs. Sealed where
 * a cluster key is set. Each piece repeats the request's nonce, so that none of an earlier answer
 * is taken for it. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include "gossip/gossip.h"
#include "seal/seal.h"

enum {
    CATCH_UP_NONCE_BYTES = 16,
    CATCH_UP_MAXIMUM_BYTES =
        GOSSIP_STREAM_MESSAGE_MAXIMUM + 64 + SEAL_EXTRA_BYTES /* of a message */
};
#define CATCH_UP_PATH "/trothdb.peer.v1.Peer/CatchUp"

/* Request and answer are alike: a nonce, and a DIGEST or a FILL of at most
 * GOSSIP_STREAM_MESSAGE_MAXIMUM bytes. With its gRPC prefix; false: `out` has no room for it.
 * `seal` may be NULL. */
bool catch_up_append(struct buffer *out, struct seal *seal,
                     const uint8_t nonce[CATCH_UP_NONCE_BYTES], struct bytes gossip);
/* Changes the message where it is sealed; what is gossip's is appended to `gossip`. ERR_REFUSED: it
 * does not open; ERR_MALFORMED. */
int catch_up_read(struct bytes message, struct seal *seal, uint8_t nonce[CATCH_UP_NONCE_BYTES],
                  struct buffer *gossip) MUST_CHECK;
