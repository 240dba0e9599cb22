#include "library/identity.h"
#include "io/whole_file.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IDENTITY_FILE_BYTES = 128, GENERATION_DIGITS_MAXIMUM = 18 };
static const char IDENTITY_HEAD[] = "troth-gossip 1 ";

static void identity_make(struct member_identity *identity) {
    *identity = (struct member_identity){.file = identity->file};
    randombytes_buf(identity->uuid, sizeof identity->uuid);
    identity->uuid[6] = (uint8_t)((identity->uuid[6] & 0x0f) | 0x40); /* RFC 9562: version 4, */
    identity->uuid[8] = (uint8_t)((identity->uuid[8] & 0x3f) | 0x80); /* variant 10 */
}

static bool parse_generation(const char *text, uint64_t *generation) {
    size_t digits = strspn(text, "0123456789");
    *generation = 0;
    for (size_t i = 0; i < digits && i < GENERATION_DIGITS_MAXIMUM; i++)
        *generation = *generation * 10 + (uint64_t)(text[i] - '0');
    return digits > 0 && digits <= GENERATION_DIGITS_MAXIMUM && strcmp(text + digits, "\n") == 0;
}

static bool identity_parse(struct member_identity *identity, const char *text) {
    size_t head = sizeof IDENTITY_HEAD - 1, length;
    const char *end;
    return strncmp(text, IDENTITY_HEAD, head) == 0 &&
           sodium_hex2bin(identity->uuid, sizeof identity->uuid, text + head, strlen(text + head),
                          NULL, &length, &end) == 0 &&
           length == sizeof identity->uuid && *end == ' ' &&
           parse_generation(end + 1, &identity->generation);
}

static int identity_read(struct member_identity *identity, const char *file_name,
                         struct buffer *problem) {
    struct buffer text;
    buffer_init(&text, IDENTITY_FILE_BYTES);
    int code = whole_file_read(file_name, &text, problem);
    if (code == 0) {
        buffer_append_u8(&text, 0);
        if (text.is_overflowed || !identity_parse(identity, (const char *)buffer_data(&text)))
            code = ERR_INVALID;
    }
    if (code == ERR_INVALID)
        buffer_append_format(problem,
                             "'%s' is no identity of a member; name another file, or remove it to "
                             "start as a new member",
                             file_name);
    buffer_release(&text);
    return code == ERR_LIMIT ? ERR_INVALID : code;
}

static int identity_write(const struct member_identity *identity, const char *file_name,
                          struct buffer *problem) {
    char text[IDENTITY_FILE_BYTES], uuid[2 * GOSSIP_UUID_BYTES + 1];
    sodium_bin2hex(uuid, sizeof uuid, identity->uuid, sizeof identity->uuid);
    int length = snprintf(text, sizeof text, "%s%s %" PRIu64 "\n", IDENTITY_HEAD, uuid,
                          identity->generation);
    return whole_file_replace(file_name, bytes_of(text, (size_t)length), 07777, problem);
}

/* Or was it replaced meanwhile? */
static bool is_file(int file, const char *file_name) {
    struct stat held, named;
    return fstat(file, &held) == 0 && stat(file_name, &named) == 0 && held.st_dev == named.st_dev &&
           held.st_ino == named.st_ino;
}

/* Locks the file as it is now. ERR_REFUSED: somebody else has. A file system without locks has none
 * to offer; a file that is not there yet is locked once it is. */
static int identity_lock(struct member_identity *identity, const char *file_name,
                         struct buffer *problem) {
    int before = identity->file;
    identity->file = open(file_name, O_RDONLY | O_CLOEXEC);
    int cause = identity->file < 0 ? errno : 0;
    bool is_held = identity->file >= 0 && flock(identity->file, LOCK_EX | LOCK_NB) != 0 &&
                   errno == EWOULDBLOCK;
    if (before >= 0)
        close(before);
    if (cause != 0 && cause != ENOENT) {
        buffer_append_format(problem, "cannot open '%s': %s", file_name, strerror(cause));
        return ERR_IO;
    }
    if (!is_held && (identity->file < 0 || is_file(identity->file, file_name)))
        return 0;
    buffer_append_format(problem, "'%s' is the identity of a member that runs; two cannot share it",
                         file_name);
    return ERR_REFUSED;
}

/* The file is replaced by each start, so it is locked twice: before it is read, and as the new one.
 * Who comes between finds the old one locked, or is found to have locked the new one. */
static int identity_take(struct member_identity *identity, const char *file_name,
                         struct buffer *problem) {
    int code = identity_lock(identity, file_name, problem);
    if (code == 0 && identity->file < 0)
        identity_make(identity);
    else if (code == 0)
        code = identity_read(identity, file_name, problem);
    identity->generation++;
    if (code == 0)
        code = identity_write(identity, file_name, problem);
    return code == 0 ? identity_lock(identity, file_name, problem) : code;
}

int member_identity_open(struct member_identity *identity, const char *file_name,
                         struct buffer *problem) {
    identity->file = -1;
    if (file_name != NULL)
        return identity_take(identity, file_name, problem);
    identity_make(identity);
    identity->generation++;
    return 0;
}

int member_identity_start_above(const struct member_identity *identity, const char *file_name,
                                uint64_t later_generation, struct buffer *problem) {
    struct member_identity next = *identity;
    if (later_generation <= identity->generation)
        return 0;
    next.generation = later_generation;
    return identity_write(&next, file_name, problem);
}

void member_identity_close(struct member_identity *identity) {
    if (identity->file >= 0)
        close(identity->file);
    identity->file = -1;
}
