#include "seal/keyring.h"
#include "base/check.h"
#include "seal/ring.h"
#include <sodium.h>

enum { ID_BYTES = (SEAL_ID_TEXT_BYTES - 1) / 2 };

void keyring_id(const struct seal_key *key, char id[SEAL_ID_TEXT_BYTES]) {
    static const uint8_t with[] = "trothdb key id";
    uint8_t hash[crypto_generichash_BYTES_MIN];
    CHECK(crypto_generichash(hash, sizeof hash, with, sizeof with - 1, key->bytes,
                             sizeof key->bytes) == 0);
    sodium_bin2hex(id, SEAL_ID_TEXT_BYTES, hash, ID_BYTES);
}

unsigned keyring_list(struct seal *seal, struct seal_key_shown out[SEAL_KEYS_MAXIMUM]) {
    struct seal_ring ring;
    seal_copy_ring(seal, &ring);
    for (unsigned i = 0; i < ring.count; i++) {
        keyring_id(&ring.keys[i], out[i].id);
        out[i].is_sealing = i == 0;
    }
    unsigned count = ring.count;
    sodium_memzero(&ring, sizeof ring);
    return count;
}

/* Where the key of this id stands; ring->count: nowhere. Letters in either case. */
static unsigned ring_find(const struct seal_ring *ring, struct bytes id) {
    unsigned at = 0;
    for (; at < ring->count; at++) {
        char text[SEAL_ID_TEXT_BYTES];
        keyring_id(&ring->keys[at], text);
        if (bytes_equal_ignoring_case(id, text))
            break;
    }
    return at;
}

static bool is_id(struct bytes text) {
    uint8_t binary[ID_BYTES];
    size_t length;
    return text.length == 2 * ID_BYTES &&
           sodium_hex2bin(binary, sizeof binary, (const char *)text.data, text.length, NULL,
                          &length, NULL) == 0 &&
           length == ID_BYTES;
}

/* The file first: what cannot be kept is not begun. */
static int ring_install(struct seal *seal, const struct seal_ring *ring, struct buffer *problem) {
    int code = seal->file_name == NULL ? 0 : ring_file_write(ring, seal->file_name, problem);
    if (code == 0)
        seal_replace_ring(seal, ring);
    return code;
}

/* One change at a time, each on a copy of the ring. */
static void change_begin(struct seal *seal, struct seal_ring *ring) {
    pthread_mutex_lock(&seal->changing);
    seal_copy_ring(seal, ring);
}

static int change_end(struct seal *seal, struct seal_ring *ring, int code) {
    sodium_memzero(ring, sizeof *ring);
    pthread_mutex_unlock(&seal->changing);
    return code;
}

/* ---- the three steps ---- */

static int open_fresh_key(struct seal *seal, struct seal_key *key, struct bytes text,
                          struct buffer *problem) {
    uint8_t sealed[SEAL_FRESH_KEY_BYTES];
    struct bytes opened;
    size_t length;
    if (text.length == 2 * SEAL_KEY_BYTES && ring_parse_key(key, text) == 0)
        return 0;
    if (text.length != 2 * sizeof sealed ||
        sodium_hex2bin(sealed, sizeof sealed, (const char *)text.data, text.length, NULL, &length,
                       NULL) != 0 ||
        length != sizeof sealed) {
        buffer_append_text(problem, "a key is 64 hex digits; make one with: openssl rand -hex 32");
        return ERR_INVALID;
    }
    if (seal_open(seal, SEAL_FRESH_KEY, sealed, sizeof sealed, &opened) != 0) {
        buffer_append_text(problem, "the key is sealed with a key that this member does not have");
        return ERR_INVALID;
    }
    CHECK(opened.length == sizeof key->bytes);
    memcpy(key->bytes, opened.data, sizeof key->bytes);
    sodium_memzero(sealed, sizeof sealed);
    return 0;
}

int keyring_add(struct seal *seal, struct bytes text, char id[SEAL_ID_TEXT_BYTES],
                struct buffer *problem) {
    struct seal_ring ring;
    struct seal_key key;
    int code = open_fresh_key(seal, &key, text, problem);
    if (code != 0)
        return code;
    change_begin(seal, &ring);
    keyring_id(&key, id);
    if (ring_find(&ring, bytes_of_text(id)) < ring.count) {
        code = 0;
    } else if (ring.count == SEAL_KEYS_MAXIMUM) {
        buffer_append_format(problem, "the ring holds %d keys already; remove one first",
                             SEAL_KEYS_MAXIMUM);
        code = ERR_LIMIT;
    } else {
        ring.keys[ring.count++] = key;
        code = ring_install(seal, &ring, problem);
    }
    sodium_memzero(&key, sizeof key);
    return change_end(seal, &ring, code);
}

int keyring_use(struct seal *seal, struct bytes id, struct buffer *problem) {
    struct seal_ring ring;
    int code = 0;
    change_begin(seal, &ring);
    unsigned at = ring_find(&ring, id);
    if (at == ring.count) {
        buffer_append_text(problem, "no key of the ring has this id; add it first");
        code = ERR_NOT_FOUND;
    } else if (at > 0) {
        struct seal_key key = ring.keys[at];
        memmove(ring.keys + 1, ring.keys, at * sizeof *ring.keys);
        ring.keys[0] = key;
        sodium_memzero(&key, sizeof key);
        code = ring_install(seal, &ring, problem);
    }
    return change_end(seal, &ring, code);
}

int keyring_remove(struct seal *seal, struct bytes id, struct buffer *problem) {
    struct seal_ring ring;
    int code = 0;
    if (!is_id(id)) {
        buffer_append_format(problem, "the id of a key is %d hex digits", 2 * ID_BYTES);
        return ERR_INVALID;
    }
    change_begin(seal, &ring);
    unsigned at = ring_find(&ring, id);
    if (at == 0) {
        buffer_append_text(problem, "this key seals what is sent; use another one first");
        code = ERR_REFUSED;
    } else if (at < ring.count) {
        memmove(ring.keys + at, ring.keys + at + 1, (ring.count - at - 1) * sizeof *ring.keys);
        ring.count--;
        code = ring_install(seal, &ring, problem);
    }
    return change_end(seal, &ring, code);
}

/* ---- new keys ---- */

void keyring_make(struct seal_key *key) { randombytes_buf(key->bytes, sizeof key->bytes); }

void keyring_wipe(struct seal_key *key) { sodium_memzero(key, sizeof *key); }

int keyring_read(struct seal_key *key, const char *file_name, struct buffer *problem) {
    struct seal_ring ring;
    int code = ring_file_read(&ring, file_name, problem);
    if (code == 0 && ring.count != 1) {
        buffer_append_format(problem, "'%s' holds %u keys; name a file with the new one alone",
                             file_name, ring.count);
        code = ERR_INVALID;
    }
    if (code == 0)
        *key = ring.keys[0];
    sodium_memzero(&ring, sizeof ring);
    return code;
}

void keyring_wrap(struct seal *seal, const struct seal_key *key,
                  char text[SEAL_FRESH_KEY_TEXT_BYTES]) {
    uint8_t sealed[SEAL_FRESH_KEY_BYTES];
    seal_close(seal, SEAL_FRESH_KEY, bytes_of(key->bytes, sizeof key->bytes), sealed);
    sodium_bin2hex(text, SEAL_FRESH_KEY_TEXT_BYTES, sealed, sizeof sealed);
}
