#include "failing_calls.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    enum failing_call call;
    unsigned countdown; /* 0: none fails */
    bool is_hit, is_crawling, is_interrupted;
} failing;

void failing_calls_fail(enum failing_call call, unsigned nth) {
    failing.call = call;
    failing.countdown = nth;
    failing.is_hit = false;
}

bool failing_calls_is_hit(void) { return failing.is_hit; }

void failing_calls_crawl(bool is_crawling) { failing.is_crawling = is_crawling; }

static bool fails(enum failing_call call) {
    if (call != failing.call || failing.countdown == 0 || --failing.countdown > 0)
        return false;
    failing.is_hit = true;
    errno = EIO;
    return true;
}

static bool is_interrupted(void) {
    if (!failing.is_crawling)
        return false;
    failing.is_interrupted = !failing.is_interrupted;
    errno = EINTR;
    return failing.is_interrupted;
}

static size_t limited(size_t bytes) { return failing.is_crawling && bytes > 1 ? 1 : bytes; }

/* Functions of the C library by the names that they have with files of any size. */
#define DOOR(call, failure, type, name, parameters, arguments)                                     \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters { return fails(call) ? (failure) : __real_##name arguments; }

DOOR(CALL_OPEN, NULL, DIR *, opendir, (const char *name), (name))
DOOR(CALL_SYNC, -1, int, fsync, (int file), (file))
DOOR(CALL_SYNC, -1, int, fdatasync, (int file), (file))
DOOR(CALL_RENAME, -1, int, rename, (const char *from, const char *to), (from, to))
DOOR(CALL_REMOVE, -1, int, unlink, (const char *name), (name))
DOOR(CALL_REMOVE, -1, int, rmdir, (const char *name), (name))
DOOR(CALL_MAKE, -1, int, mkdir, (const char *name, mode_t mode), (name, mode))
DOOR(CALL_LOOK, -1, int, stat64, (const char *name, struct stat *into), (name, into))
DOOR(CALL_LOOK, -1, int, lstat64, (const char *name, struct stat *into), (name, into))
DOOR(CALL_LOOK, -1, int, fstat64, (int file, struct stat *into), (file, into))
DOOR(CALL_MODE, -1, int, fchmod, (int file, mode_t mode), (file, mode))
DOOR(CALL_MODE, -1, int, fchown, (int file, uid_t user, gid_t group), (file, user, group))
DOOR(CALL_LIST, NULL, struct dirent *, readdir64, (DIR * directory), (directory))

int __real_open64(const char *name, int flags, ...);
int __wrap_open64(const char *name, int flags, ...);
int __wrap_open64(const char *name, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return fails(CALL_OPEN) ? -1 : __real_open64(name, flags, mode);
}

ssize_t __real_read(int file, void *into, size_t bytes);
ssize_t __wrap_read(int file, void *into, size_t bytes);
ssize_t __wrap_read(int file, void *into, size_t bytes) {
    return fails(CALL_READ) || is_interrupted() ? -1 : __real_read(file, into, limited(bytes));
}

ssize_t __real_write(int file, const void *from, size_t bytes);
ssize_t __wrap_write(int file, const void *from, size_t bytes);
ssize_t __wrap_write(int file, const void *from, size_t bytes) {
    return fails(CALL_WRITE) || is_interrupted() ? -1 : __real_write(file, from, limited(bytes));
}

int __real_close(int file);
int __wrap_close(int file);
int __wrap_close(int file) {
    int status = __real_close(file);
    return fails(CALL_CLOSE) ? -1 : status;
}
