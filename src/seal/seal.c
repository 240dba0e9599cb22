#include "seal/seal.h"
#include "base/check.h"
#include "base/memory.h"
#include "seal/ring.h"
#include <assert.h>
#include <sodium.h>

static_assert(SEAL_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "libsodium's key");
static_assert(SEAL_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
              "libsodium's nonce");
static_assert(SEAL_TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "libsodium's tag");

enum { WITH_BYTES_MAXIMUM = 32 + SEAL_NAME_MAXIMUM };

/* ---- making and ending ---- */

struct seal *seal_new(const struct seal_key *keys, unsigned count, const char *cluster_name) {
    CHECK(count > 0);
    CHECK(count <= SEAL_KEYS_MAXIMUM);
    CHECK(strlen(cluster_name) <= SEAL_NAME_MAXIMUM);
    struct seal *seal = memory_allocate_zeroed(1, sizeof *seal);
    CHECK(pthread_mutex_init(&seal->changing, NULL) == 0);
    CHECK(pthread_mutex_init(&seal->lock, NULL) == 0);
    memcpy(seal->ring.keys, keys, count * sizeof *keys);
    seal->ring.count = count;
    memcpy(seal->cluster_name, cluster_name, strlen(cluster_name));
    return seal;
}

int seal_new_from_file(struct seal **out, const char *file_name, const char *cluster_name,
                       struct buffer *problem) {
    struct seal_ring ring;
    if (strlen(cluster_name) > SEAL_NAME_MAXIMUM) {
        buffer_append_format(problem, "cluster-name: longer than %d bytes", SEAL_NAME_MAXIMUM);
        return ERR_INVALID;
    }
    int code = ring_file_read(&ring, file_name, problem);
    if (code == 0) {
        *out = seal_new(ring.keys, ring.count, cluster_name);
        (*out)->file_name = memory_copy_text(file_name);
    }
    sodium_memzero(&ring, sizeof ring);
    return code;
}

void seal_free(struct seal *seal) {
    if (seal == NULL)
        return;
    pthread_mutex_destroy(&seal->changing);
    pthread_mutex_destroy(&seal->lock);
    sodium_memzero(&seal->ring, sizeof seal->ring);
    memory_free(seal->file_name);
    memory_free(seal);
}

void seal_copy_ring(struct seal *seal, struct seal_ring *out) {
    pthread_mutex_lock(&seal->lock);
    *out = seal->ring;
    pthread_mutex_unlock(&seal->lock);
}

void seal_replace_ring(struct seal *seal, const struct seal_ring *ring) {
    pthread_mutex_lock(&seal->lock);
    seal->ring = *ring;
    pthread_mutex_unlock(&seal->lock);
}

/* ---- sealing and opening ---- */

static const char *purpose_text(enum seal_purpose purpose) {
    switch (purpose) {
    case SEAL_DATAGRAM:
        return "trothdb datagram 1";
    case SEAL_EXCHANGE:
        return "trothdb exchange 1";
    case SEAL_FRESH_KEY:
        return "trothdb fresh key 1";
    case SEAL_HEARTBEAT:
        return "trothdb heartbeat 1";
    case SEAL_CATCH_UP:
        return "trothdb catch-up 1";
    }
    UNREACHABLE();
}

/* What is authenticated beside the message: the purpose; then, where the cluster has a name, a zero
 * byte and the name. */
static size_t seal_with(const struct seal *seal, enum seal_purpose purpose,
                        uint8_t with[WITH_BYTES_MAXIMUM]) {
    const char *text = purpose_text(purpose);
    size_t length = strlen(text), name_length = strlen(seal->cluster_name);
    memcpy(with, text, length);
    if (name_length == 0)
        return length;
    with[length] = 0;
    memcpy(with + length + 1, seal->cluster_name, name_length);
    return length + 1 + name_length;
}

void seal_close(struct seal *seal, enum seal_purpose purpose, struct bytes message, uint8_t *out) {
    uint8_t with[WITH_BYTES_MAXIMUM];
    size_t with_length = seal_with(seal, purpose, with);
    struct seal_ring ring;
    unsigned long long written;
    seal_copy_ring(seal, &ring);
    randombytes_buf(out, SEAL_NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + SEAL_NONCE_BYTES, &written, message.data,
                                               message.length, with, with_length, NULL, out,
                                               ring.keys[0].bytes);
    CHECK(written == message.length + SEAL_TAG_BYTES);
    sodium_memzero(&ring, sizeof ring);
}

/* With no place for the message libsodium looks at the tag only. (Where it is given one and the tag
 * is wrong, it wipes the place, which here is the sealed bytes themselves.) */
static bool is_sealed_with(const struct seal_key *key, const uint8_t *sealed, size_t length,
                           struct bytes with) {
    return crypto_aead_xchacha20poly1305_ietf_decrypt(NULL, NULL, NULL, sealed + SEAL_NONCE_BYTES,
                                                      length - SEAL_NONCE_BYTES, with.data,
                                                      with.length, sealed, key->bytes) == 0;
}

int seal_open(struct seal *seal, enum seal_purpose purpose, uint8_t *sealed, size_t length,
              struct bytes *message) {
    if (length < SEAL_EXTRA_BYTES)
        return ERR_REFUSED;
    uint8_t with[WITH_BYTES_MAXIMUM], *body = sealed + SEAL_NONCE_BYTES;
    size_t with_length = seal_with(seal, purpose, with);
    struct seal_ring ring;
    unsigned long long opened;
    seal_copy_ring(seal, &ring);
    unsigned fitting = 0;
    while (fitting + 1 < ring.count &&
           !is_sealed_with(&ring.keys[fitting], sealed, length, bytes_of(with, with_length)))
        fitting++;
    int code = crypto_aead_xchacha20poly1305_ietf_decrypt(
        body, &opened, NULL, body, length - SEAL_NONCE_BYTES, with, with_length, sealed,
        ring.keys[fitting].bytes);
    sodium_memzero(&ring, sizeof ring);
    if (code != 0)
        return ERR_REFUSED;
    *message = bytes_of(body, (size_t)opened);
    return 0;
}
