/* The seal: XChaCha20-Poly1305 with a random nonce around everything that travels between nodes,
 * when a cluster key is set. Who has not the key can neither read, nor forge, nor change it.
 *
 *     +-----------+----------------------------+---------+
 *     | nonce 24  | the message, enciphered    | tag 16  |
 *     +-----------+----------------------------+---------+
 *
 * The purpose (SEAL_DATAGRAM, SEAL_EXCHANGE) is authenticated with it, so that what was sealed for
 * one plane is not accepted on the other. A recorded message can be sent again; gossip and Raft
 * bear repetition, by version and by term. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"

enum {
    SEAL_KEY_BYTES = 32,
    SEAL_NONCE_BYTES = 24,
    SEAL_TAG_BYTES = 16,
    SEAL_EXTRA_BYTES = SEAL_NONCE_BYTES + SEAL_TAG_BYTES
};
enum seal_purpose { SEAL_DATAGRAM, SEAL_EXCHANGE };

struct seal {
    uint8_t key[SEAL_KEY_BYTES];
};

/* Reads a key of 64 hex digits; white space around them is allowed. ERR_IO, ERR_INVALID, with a
 * sentence in `problem`. */
int seal_read_key(struct seal *seal, const char *file_name, struct buffer *problem) MUST_CHECK;
/* Writes message.length + SEAL_EXTRA_BYTES bytes to `out`, which does not overlap the message. */
void seal_close(const struct seal *seal, enum seal_purpose purpose, struct bytes message,
                uint8_t *out);
/* Opens in place: *message then borrows from `sealed`. ERR_REFUSED if it was not sealed with this
 * key for this purpose. */
int seal_open(const struct seal *seal, enum seal_purpose purpose, uint8_t *sealed, size_t length,
              struct bytes *message) MUST_CHECK;
