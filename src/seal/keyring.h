/* Passing from one key to the next while the cluster runs. On every member in turn, each step on
 * all before the next one begins:
 *
 *     add the new key      every member opens what either key sealed; all seal with the old one
 *     use the new key      every member seals with the new one, and still opens the old
 *     remove the old key   what it sealed is refused from now on
 *
 * A step that is taken twice changes nothing and is no error, so that a rotation that broke off is
 * begun again. Where the ring came from a file, the file is written before the ring changes: a
 * member that restarts in the middle has the ring that it had. Where a step fails the ring stays as
 * it was, and so does the file, unless `problem` says that it is replaced: then the step is to be
 * taken again. */
#pragma once
#include "seal/seal.h"

/* A key is called by 16 hex digits made from it, which say nothing of it. */
enum {
    SEAL_ID_TEXT_BYTES = 17,
    SEAL_FRESH_KEY_BYTES = SEAL_KEY_BYTES + SEAL_EXTRA_BYTES,
    SEAL_FRESH_KEY_TEXT_BYTES = 2 * SEAL_FRESH_KEY_BYTES + 1
};

struct seal_key_shown {
    char id[SEAL_ID_TEXT_BYTES];
    bool is_sealing; /* the one that seals; the others only open */
};

/* The keys of the ring, the sealing one first; returns how many. */
unsigned keyring_list(struct seal *seal, struct seal_key_shown out[SEAL_KEYS_MAXIMUM]);

/* `key` is 64 hex digits, or 144: a key sealed with one of the ring (SEAL_FRESH_KEY), so that it
 * can be sent where others listen. Its id is in `id`. ERR_INVALID, ERR_LIMIT where the ring is
 * full, ERR_IO; with a sentence in `problem`, and the ring as it was. */
int keyring_add(struct seal *seal, struct bytes key, char id[SEAL_ID_TEXT_BYTES],
                struct buffer *problem) MUST_CHECK;
/* `key` is an id. ERR_NOT_FOUND, ERR_IO. */
int keyring_use(struct seal *seal, struct bytes key, struct buffer *problem) MUST_CHECK;
/* `key` is an id. A key that is not in the ring is removed already. ERR_REFUSED for the one that
 * seals, ERR_INVALID for what is no id, ERR_IO. */
int keyring_remove(struct seal *seal, struct bytes key, struct buffer *problem) MUST_CHECK;

/* For those who bring a new key: one of the system's randomness; or the only one of a file, ERR_IO,
 * ERR_INVALID with a sentence in `problem`; and as keyring_add() takes it, sealed for those who
 * have a key of this ring. */
void keyring_make(struct seal_key *key);
int keyring_read(struct seal_key *key, const char *file_name, struct buffer *problem) MUST_CHECK;
void keyring_wrap(struct seal *seal, const struct seal_key *key,
                  char text[SEAL_FRESH_KEY_TEXT_BYTES]);
void keyring_wipe(struct seal_key *key);
/* The id of a key. */
void keyring_id(const struct seal_key *key, char id[SEAL_ID_TEXT_BYTES]);
