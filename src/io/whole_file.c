#include "io/whole_file.h"
#include "base/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FRESH_MODE = 0600, PIECE_BYTES = 4096 };

/* ---- reading ---- */

int whole_file_read(const char *name, struct buffer *out, struct buffer *problem) {
    int file = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : 1;
    while (length > 0) {
        uint8_t piece[PIECE_BYTES];
        do
            length = read(file, piece, sizeof piece);
        while (length < 0 && errno == EINTR);
        if (length > 0)
            buffer_append(out, piece, (size_t)length);
        explicit_bzero(piece, sizeof piece); /* it may have been a key */
        if (out->is_overflowed)
            break;
    }
    int cause = errno;
    if (file >= 0)
        close(file);
    if (out->is_overflowed) {
        buffer_append_format(problem, "'%s' is longer than %zu bytes", name, out->maximum_bytes);
        return ERR_LIMIT;
    }
    if (length == 0)
        return 0;
    buffer_append_format(problem, "cannot %s '%s': %s", file < 0 ? "open" : "read", name,
                         strerror(cause));
    return ERR_IO;
}

bool whole_file_is_open_to_all(const char *name) {
    struct stat status;
    return stat(name, &status) == 0 && (status.st_mode & (S_IROTH | S_IWOTH)) != 0;
}

/* ---- replacing ---- */

static bool write_all(int file, struct bytes text) {
    while (text.length > 0) {
        ssize_t written = write(file, text.data, text.length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        text = bytes_of(text.data + written, text.length - (size_t)written);
    }
    return true;
}

static bool sync_folder(const char *name) {
    char *copy = memory_copy_text(name);
    int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_synced = folder >= 0 && fsync(folder) == 0;
    int cause = errno;
    if (folder >= 0)
        close(folder);
    memory_free(copy);
    errno = cause;
    return is_synced;
}

static bool write_fresh(const char *fresh, const char *name, struct bytes text,
                        unsigned mode_mask) {
    struct stat old;
    bool is_known = stat(name, &old) == 0;
    if (!is_known && errno != ENOENT)
        return false; /* whose it is, and who may read it, would be lost */
    int file = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, FRESH_MODE);
    bool is_written = file >= 0 &&
                      fchmod(file, is_known ? old.st_mode & mode_mask : FRESH_MODE) == 0 &&
                      write_all(file, text);
    if (is_written && is_known && fchown(file, old.st_uid, old.st_gid) != 0)
        is_written = errno == EPERM;
    is_written = is_written && fsync(file) == 0;
    int cause = errno;
    if (file >= 0 && close(file) != 0 && is_written) {
        cause = errno;
        is_written = false;
    }
    errno = cause;
    return is_written;
}

/* Not durably. Returns false, with the reason in errno; nothing is changed then. */
static bool replace(const char *name, struct bytes text, unsigned mode_mask) {
    char *fresh = memory_allocate(strlen(name) + sizeof ".new");
    memcpy(fresh, name, strlen(name));
    memcpy(fresh + strlen(name), ".new", sizeof ".new");
    bool is_written = write_fresh(fresh, name, text, mode_mask) && rename(fresh, name) == 0;
    int cause = errno;
    if (!is_written)
        unlink(fresh);
    memory_free(fresh);
    errno = cause;
    return is_written;
}

/* Behind all links, or itself where it is not there yet. Returns owned. */
static char *place_of(const char *name) {
    char *place = realpath(name, NULL);
    char *copy = memory_copy_text(place ? place : name);
    free(place);
    return copy;
}

/* A device or a pipe would be gone. */
static bool is_replaceable(const char *place) {
    struct stat status;
    return stat(place, &status) != 0 || S_ISREG(status.st_mode);
}

int whole_file_replace(const char *name, struct bytes text, unsigned mode_mask,
                       struct buffer *problem) {
    char *place = place_of(name);
    int code = ERR_IO;
    if (!is_replaceable(place))
        buffer_append_format(problem,
                             "cannot write '%s': it is no regular file; nothing is changed", name);
    else if (!replace(place, text, mode_mask))
        buffer_append_format(problem, "cannot write '%s': %s; nothing is changed", name,
                             strerror(errno));
    else if (!sync_folder(place))
        buffer_append_format(problem,
                             "'%s' is replaced, but its directory cannot be synced: %s; a loss of "
                             "power may bring back what it was",
                             name, strerror(errno));
    else
        code = 0;
    memory_free(place);
    return code;
}
