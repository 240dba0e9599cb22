#include "server/seal.h"
#include "base/check.h"
#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>

static_assert(SEAL_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "libsodium's key");
static_assert(SEAL_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
              "libsodium's nonce");
static_assert(SEAL_TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "libsodium's tag");

enum { KEY_FILE_MAXIMUM_BYTES = 256 };

static struct bytes purpose_text(enum seal_purpose purpose) {
    switch (purpose) {
    case SEAL_DATAGRAM:
        return BYTES_LITERAL("trothdb datagram 1");
    case SEAL_EXCHANGE:
        return BYTES_LITERAL("trothdb exchange 1");
    }
    UNREACHABLE();
}

static int read_key_text(const char *file_name, char text[KEY_FILE_MAXIMUM_BYTES], size_t *length,
                         struct buffer *problem) {
    FILE *file = fopen(file_name, "re");
    if (file != NULL)
        *length = fread(text, 1, KEY_FILE_MAXIMUM_BYTES, file);
    if (file == NULL || ferror(file)) {
        buffer_append_format(problem, "cluster-key-file: cannot read '%s': %s", file_name,
                             strerror(errno));
        if (file != NULL)
            fclose(file);
        return ERR_IO;
    }
    fclose(file);
    return 0;
}

int seal_read_key(struct seal *seal, const char *file_name, struct buffer *problem) {
    char text[KEY_FILE_MAXIMUM_BYTES];
    size_t length = 0, key_length = 0;
    int code = read_key_text(file_name, text, &length, problem);
    if (code != 0)
        return code;
    const char *end = NULL, *begin = text;
    while (length > 0 && (*begin == ' ' || *begin == '\n' || *begin == '\r' || *begin == '\t'))
        begin++, length--;
    code = sodium_hex2bin(seal->key, sizeof seal->key, begin, length, NULL, &key_length, &end);
    bool is_whole = code == 0 && key_length == SEAL_KEY_BYTES && end == begin + 2 * SEAL_KEY_BYTES;
    for (size_t i = 2 * SEAL_KEY_BYTES; is_whole && i < length; i++)
        is_whole = strchr(" \n\r\t", begin[i]) != NULL;
    sodium_memzero(text, sizeof text);
    if (!is_whole) {
        buffer_append_format(
            problem,
            "cluster-key-file: '%s' does not hold exactly 64 hex digits; make a key with: "
            "openssl rand -hex 32",
            file_name);
        return ERR_INVALID;
    }
    return 0;
}

void seal_close(const struct seal *seal, enum seal_purpose purpose, struct bytes message,
                uint8_t *out) {
    struct bytes with = purpose_text(purpose);
    unsigned long long written;
    randombytes_buf(out, SEAL_NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + SEAL_NONCE_BYTES, &written, message.data,
                                               message.length, with.data, with.length, NULL, out,
                                               seal->key);
    CHECK(written == message.length + SEAL_TAG_BYTES);
}

int seal_open(const struct seal *seal, enum seal_purpose purpose, uint8_t *sealed, size_t length,
              struct bytes *message) {
    if (length < SEAL_EXTRA_BYTES)
        return ERR_REFUSED;
    struct bytes with = purpose_text(purpose);
    uint8_t *body = sealed + SEAL_NONCE_BYTES;
    unsigned long long opened;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(body, &opened, NULL, body,
                                                   length - SEAL_NONCE_BYTES, with.data,
                                                   with.length, sealed, seal->key) != 0)
        return ERR_REFUSED;
    *message = bytes_of(body, (size_t)opened);
    return 0;
}
