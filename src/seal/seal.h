/* The seal: XChaCha20-Poly1305 with a random nonce around everything that travels between nodes,
 * when a cluster key is set. Who has not the key can neither read, nor forge, nor change it.
 *
 *     +-----------+----------------------------+---------+
 *     | nonce 24  | the message, enciphered    | tag 16  |
 *     +-----------+----------------------------+---------+
 *
 * The purpose (SEAL_DATAGRAM, SEAL_EXCHANGE...) and the cluster's name are authenticated with it,
 * so that what was sealed for one plane or for one cluster is not accepted on another.
 *
 * A seal holds a ring of up to three keys: the first one seals, every one of them opens, so that a
 * cluster passes from one key to the next without a pause (seal/keyring.h). All functions may be
 * called by several threads at once. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"

enum {
    SEAL_KEY_BYTES = 32,
    SEAL_NONCE_BYTES = 24,
    SEAL_TAG_BYTES = 16,
    SEAL_EXTRA_BYTES = SEAL_NONCE_BYTES + SEAL_TAG_BYTES,
    SEAL_KEYS_MAXIMUM = 3,
    SEAL_NAME_MAXIMUM = 63 /* of a cluster */
};
enum seal_purpose { SEAL_DATAGRAM, SEAL_EXCHANGE, SEAL_FRESH_KEY, SEAL_HEARTBEAT, SEAL_CATCH_UP };

struct seal_key {
    uint8_t bytes[SEAL_KEY_BYTES];
};
struct seal;

/* Returns owned: a ring of `count` keys, 1 to SEAL_KEYS_MAXIMUM, the first of which seals.
 * `cluster_name`: at most SEAL_NAME_MAXIMUM bytes; "": none, as in releases that knew no names. */
struct seal *seal_new(const struct seal_key *keys, unsigned count, const char *cluster_name);
/* The same from a file of one to three lines of 64 hex digits; white space around them is allowed.
 * Changes of the ring rewrite it. Returns owned in `out`. ERR_IO, ERR_INVALID, with a sentence in
 * `problem` that names the file; no part of a key is ever in it. */
int seal_new_from_file(struct seal **out, const char *file_name, const char *cluster_name,
                       struct buffer *problem) MUST_CHECK;
void seal_free(struct seal *seal); /* wipes the keys; NULL is allowed */

/* Writes message.length + SEAL_EXTRA_BYTES bytes to `out`, which does not overlap the message. */
void seal_close(struct seal *seal, enum seal_purpose purpose, struct bytes message, uint8_t *out);
/* Opens in place: *message then borrows from `sealed`. ERR_REFUSED if it was not sealed with a key
 * of the ring for this purpose in the cluster of this name; the bytes may be wiped then. */
int seal_open(struct seal *seal, enum seal_purpose purpose, uint8_t *sealed, size_t length,
              struct bytes *message) MUST_CHECK;
