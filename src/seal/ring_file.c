#include "base/memory.h"
#include "seal/ring.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

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

static int read_text(const char *file_name, char text[KEY_FILE_MAXIMUM_BYTES], size_t *length,
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

static int parse_ring(struct seal_ring *ring, struct bytes text) {
    ring->count = 0;
    for (struct bytes word; (word = next_word(&text)).length > 0; ring->count++)
        if (ring->count == SEAL_KEYS_MAXIMUM || ring_parse_key(&ring->keys[ring->count], word) != 0)
            return ERR_INVALID;
    return ring->count > 0 ? 0 : ERR_INVALID;
}

int ring_file_read(struct seal_ring *ring, const char *file_name, struct buffer *problem) {
    char text[KEY_FILE_MAXIMUM_BYTES];
    size_t length = 0;
    int code = read_text(file_name, text, &length, problem);
    if (code != 0)
        return code;
    if (length == sizeof text || memchr(text, 0, length) != NULL)
        code = ERR_INVALID;
    else
        code = parse_ring(ring, bytes_of(text, length));
    sodium_memzero(text, sizeof text);
    if (code != 0)
        buffer_append_format(problem,
                             "cluster-key-file: '%s' does not hold one key of 64 hex digits, or up "
                             "to %d on lines of their own; make a key with: openssl rand -hex 32",
                             file_name, SEAL_KEYS_MAXIMUM);
    return code;
}

/* ---- writing ---- */

static bool write_all(int file, const char *text, size_t length) {
    while (length > 0) {
        ssize_t written = write(file, text, length);
        if (written <= 0)
            return false;
        text += written;
        length -= (size_t)written;
    }
    return true;
}

static bool sync_folder(const char *file_name) {
    char *copy = memory_copy_text(file_name);
    int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_synced = folder >= 0 && fsync(folder) == 0;
    if (folder >= 0)
        close(folder);
    memory_free(copy);
    return is_synced;
}

/* The owner stays, where the process may give files away; others must not read keys. */
static bool write_fresh(const char *fresh, const char *file_name, const char *text, size_t length) {
    struct stat old;
    int file = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool is_written = file >= 0 && fchmod(file, 0600) == 0 && write_all(file, text, length);
    if (is_written && stat(file_name, &old) == 0 && fchown(file, old.st_uid, old.st_gid) != 0)
        is_written = errno == EPERM;
    is_written = is_written && fsync(file) == 0;
    if (file >= 0 && close(file) != 0)
        is_written = false;
    return is_written;
}

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
    size_t length = format_ring(ring, text), name_length = strlen(file_name);
    char *fresh = memory_allocate(name_length + sizeof ".new");
    memcpy(fresh, file_name, name_length);
    memcpy(fresh + name_length, ".new", sizeof ".new");
    bool is_written = write_fresh(fresh, file_name, text, length) &&
                      rename(fresh, file_name) == 0 && sync_folder(file_name);
    int cause = errno;
    if (!is_written)
        unlink(fresh);
    sodium_memzero(text, sizeof text);
    memory_free(fresh);
    if (!is_written)
        buffer_append_format(problem, "cluster-key-file: cannot write '%s': %s; nothing is changed",
                             file_name, strerror(cause));
    return is_written ? 0 : ERR_IO;
}
