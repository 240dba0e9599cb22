#include "io/whole_file.h"
#include "seal/ring.h"
#include <sodium.h>

enum { KEY_FILE_MAXIMUM_BYTES = 512 };
#define WHITE " \t\r\n"

int ring_parse_key(struct seal_key *key, struct bytes text) {
    size_t length;
    const char *end;
    bool is_key = text.length == 2 * SEAL_KEY_BYTES &&
                  sodium_hex2bin(key->bytes, sizeof key->bytes, (const char *)text.data,
                                 text.length, NULL, &length, &end) == 0 &&
                  length == SEAL_KEY_BYTES;
    return is_key ? 0 : ERR_INVALID;
}

/* ---- reading ---- */

static struct bytes next_word(struct bytes *text) {
    size_t at = 0, end;
    while (at < text->length && strchr(WHITE, text->data[at]) != NULL)
        at++;
    for (end = at; end < text->length && strchr(WHITE, text->data[end]) == NULL;)
        end++;
    struct bytes word = bytes_of(text->data + at, end - at);
    *text = bytes_of(text->data + end, text->length - end);
    return word;
}

static bool ring_has(const struct seal_ring *ring, const struct seal_key *key) {
    unsigned at = 0;
    while (at < ring->count && sodium_memcmp(&ring->keys[at], key, sizeof *key) != 0)
        at++;
    return at < ring->count;
}

/* A key that stands there twice is one key: removed, it would else open what it sealed on. */
static int parse_ring(struct seal_ring *ring, struct bytes text) {
    struct seal_key key;
    int code = 0;
    ring->count = 0;
    for (struct bytes word; code == 0 && (word = next_word(&text)).length > 0;) {
        code = ring_parse_key(&key, word);
        if (code != 0 || ring_has(ring, &key))
            continue;
        if (ring->count == SEAL_KEYS_MAXIMUM)
            code = ERR_INVALID;
        else
            ring->keys[ring->count++] = key;
    }
    sodium_memzero(&key, sizeof key);
    return ring->count > 0 ? code : ERR_INVALID;
}

static int parse_text(struct seal_ring *ring, struct bytes text) {
    return text.length > 0 && memchr(text.data, 0, text.length) == NULL ? parse_ring(ring, text)
                                                                        : ERR_INVALID;
}

int ring_file_read(struct seal_ring *ring, const char *file_name, struct buffer *problem) {
    struct buffer text;
    size_t before = problem->length;
    buffer_init(&text, KEY_FILE_MAXIMUM_BYTES);
    buffer_append_text(problem, "cluster-key-file: ");
    int code = whole_file_read(file_name, &text, problem);
    if (code == 0)
        code = parse_text(ring, buffer_bytes(&text));
    if (code == ERR_INVALID)
        buffer_append_format(problem,
                             "'%s' does not hold one key of 64 hex digits, or up to %d on lines of "
                             "their own; make a key with: openssl rand -hex 32",
                             file_name, SEAL_KEYS_MAXIMUM);
    if (code == 0)
        buffer_truncate(problem, before);
    if (text.memory != NULL)
        sodium_memzero(text.memory, text.capacity);
    buffer_release(&text);
    return code;
}

/* ---- writing ---- */

static size_t format_ring(const struct seal_ring *ring, char text[KEY_FILE_MAXIMUM_BYTES]) {
    size_t length = 0;
    for (unsigned i = 0; i < ring->count; i++) {
        sodium_bin2hex(text + length, 2 * SEAL_KEY_BYTES + 1, ring->keys[i].bytes, SEAL_KEY_BYTES);
        length += 2 * SEAL_KEY_BYTES;
        text[length++] = '\n';
    }
    return length;
}

int ring_file_write(const struct seal_ring *ring, const char *file_name, struct buffer *problem) {
    char text[KEY_FILE_MAXIMUM_BYTES];
    size_t length = format_ring(ring, text), before = problem->length;
    buffer_append_text(problem, "cluster-key-file: ");
    int code = whole_file_replace(file_name, bytes_of(text, length), 0600, problem);
    sodium_memzero(text, sizeof text);
    if (code == 0)
        buffer_truncate(problem, before);
    return code;
}
