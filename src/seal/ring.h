/* The inside of a struct seal. Nobody outside of seal/ includes this. */
#pragma once
#include "seal/seal.h"
#include <pthread.h>

struct seal_ring {
    struct seal_key keys[SEAL_KEYS_MAXIMUM]; /* the first one seals */
    unsigned count;
};

struct seal {
    pthread_mutex_t changing; /* held while the ring is changed, and its file with it */
    pthread_mutex_t lock;     /* of `ring`; held for a copy only */
    struct seal_ring ring;
    char *file_name; /* owned; NULL: the ring lives in memory only */
    char cluster_name[SEAL_NAME_MAXIMUM + 1];
};

/* A copy of the ring as it is now; to be wiped by who took it. */
void seal_copy_ring(struct seal *seal, struct seal_ring *out);
void seal_replace_ring(struct seal *seal, const struct seal_ring *ring);

/* ring_file.c: the file of a ring. ERR_IO, ERR_INVALID, with a sentence in `problem`. */
int ring_file_read(struct seal_ring *ring, const char *file_name,
                   struct buffer *problem) MUST_CHECK;
/* A reader, and a crash, see the old file or the new one; only its owner may read it. */
int ring_file_write(const struct seal_ring *ring, const char *file_name,
                    struct buffer *problem) MUST_CHECK;
/* 64 hex digits. ERR_INVALID. */
int ring_parse_key(struct seal_key *key, struct bytes text) MUST_CHECK;
