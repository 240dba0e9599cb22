/* Blobs as files: the name is the path below one directory. A blob is written under another name,
 * synced and renamed, so it is whole or not there. That name is of this store alone: two nodes that
 * share the directory may put the same blob at once, and neither may rename what the other is still
 * writing. Where a process died in between, that file stays until it is swept. */
#include "base/check.h"
#include "base/memory.h"
#include "io/real/blob_thread.h"
#include "io/real/entropy.h"
#include "io/real/real_blob.h"
#include "io/real/real_file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A file that is half-written and has not grown for so long belongs to nobody. Were it not so, its
 * put would fail, and be tried again. */
enum { HALF_WRITTEN_SECONDS = 3600, NUMBER_DIGITS = 16 };

struct blob_directory {
    struct blob_store store;
    struct blob_thread thread;
    uint64_t number; /* drawn by lot, of what is half-written */
    char path[PATH_MAX - BLOB_NAME_MAXIMUM - 16];
};

static struct blob_directory *directory_of(struct blob_store *store) {
    return (struct blob_directory *)(void *)store;
}

static int complain(struct blob_problem *problem, const char *what, const char *path,
                    const char *advice) {
    int error = errno;
    snprintf(problem->text, sizeof problem->text, "cannot %s %.500s: %s; %s", what, path,
             strerror(error), advice);
    return disk_real_error(error);
}

/* What a disk, or the file system on it, says of one place that is lost. */
static bool is_of_one_place(int error) {
    return error == EIO || error == ENODATA || error == EILSEQ || error == EBADMSG ||
           error == EUCLEAN || error == EREMOTEIO;
}

static void path_of(struct blob_directory *directory, const char *name, char path[PATH_MAX]) {
    CHECK(blob_name_is_valid(name));
    snprintf(path, PATH_MAX, "%s/%s", directory->path, name);
}

/* ---- putting ---- */

static int sync_directory(const char *path) {
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return -1;
    int status = fsync(descriptor), error = errno;
    close(descriptor);
    errno = error;
    return status;
}

/* Of a directory that was just made; one that is not durable is taken back, or the next put would
 * find it there and trust it. */
static int sync_new(char *path) {
    char *above = strrchr(path, '/');
    if (!above || above == path)
        return 0;
    *above = 0;
    int status = sync_directory(path), error = errno;
    *above = '/';
    if (status)
        rmdir(path);
    errno = error;
    return status;
}

/* The directories above a file. Each new one is made durable with the one that holds it. */
static int make_parents(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        int status = mkdir(path, 0750);
        if (status == 0)
            status = sync_new(path);
        else if (errno == EEXIST)
            status = 0;
        *slash = '/';
        if (status)
            return -1;
    }
    return 0;
}

static int write_durably(const char *path, struct bytes bytes) {
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (descriptor < 0)
        return -1;
    while (bytes.length) {
        ssize_t written = write(descriptor, bytes.data, bytes.length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            break;
        bytes = bytes_of(bytes.data + written, bytes.length - (size_t)written);
    }
    int status = bytes.length ? -1 : fdatasync(descriptor);
    int error = errno;
    close(descriptor);
    errno = error;
    return status;
}

static int directory_put(struct blob_store *store, const char *name, struct bytes bytes,
                         struct blob_problem *problem) {
    char path[PATH_MAX], fresh[PATH_MAX + 24];
    path_of(directory_of(store), name, path);
    snprintf(fresh, sizeof fresh, "%s~%0*" PRIx64, path, NUMBER_DIGITS,
             directory_of(store)->number);
    if (make_parents(path) || write_durably(fresh, bytes) || rename(fresh, path)) {
        int error =
            complain(problem, "write", path, "check the directory, its rights and its space");
        unlink(fresh);
        return error;
    }
    *strrchr(path, '/') = 0;
    return sync_directory(path) ? complain(problem, "sync", path, "check the disk") : 0;
}

/* ---- getting ---- */

/* -1 and errno; 0 as well past the buffer's maximum. */
static int read_all(int descriptor, struct buffer *out) {
    uint8_t piece[64 << 10];
    while (!out->is_overflowed) {
        ssize_t got = read(descriptor, piece, sizeof piece);
        if (got < 0 && errno != EINTR)
            return -1;
        if (got == 0)
            return 0;
        if (got > 0)
            buffer_append(out, piece, (size_t)got);
    }
    return 0;
}

static int complain_of_blob(struct blob_problem *problem, const char *path) {
    bool is_lost = is_of_one_place(errno);
    int error =
        complain(problem, "read", path,
                 is_lost ? "its disk has lost it" : "check that it is there and may be read");
    return is_lost ? ERR_UNREADABLE : error;
}

static int directory_get(struct blob_store *store, const char *name, struct buffer *out,
                         struct blob_problem *problem) {
    char path[PATH_MAX];
    path_of(directory_of(store), name, path);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return complain_of_blob(problem, path);
    int status = read_all(descriptor, out) ? complain_of_blob(problem, path) : 0;
    close(descriptor);
    if (status || !out->is_overflowed)
        return status;
    snprintf(problem->text, sizeof problem->text, "%.500s is longer than any blob of its kind",
             path);
    return ERR_LIMIT;
}

/* ---- listing ---- */

struct found {
    char *name;
    uint64_t bytes;
};
struct listing {
    const char *prefix;
    /* Called with each file below the prefix, if its name is one of ours. 0, or -1 and errno. */
    int (*take)(struct listing *listing, const char *path, const char *name,
                const struct stat *stat);
    struct found *found;
    size_t count, capacity;
    char failed[PATH_MAX]; /* what could not be looked at */
};

/* -1 and errno, with what it is of. */
static int fail_at(struct listing *listing, const char *path) {
    int error = errno;
    snprintf(listing->failed, sizeof listing->failed, "%s", path);
    errno = error;
    return -1;
}

/* What is gone meanwhile was none. */
static int fail_unless_gone(struct listing *listing, const char *path) {
    return errno == ENOENT ? 0 : fail_at(listing, path);
}

/* Half-written blobs are none. */
static int add_found(struct listing *listing, const char *path, const char *name,
                     const struct stat *stat) {
    (void)path;
    if (!blob_name_is_valid(name))
        return 0;
    if (listing->count == listing->capacity) {
        listing->capacity = listing->capacity ? listing->capacity * 2 : 64;
        listing->found = memory_resize(listing->found, listing->capacity * sizeof(struct found));
    }
    listing->found[listing->count++] =
        (struct found){.name = memory_copy_text(name), .bytes = (uint64_t)stat->st_size};
    return 0;
}

/* Can something below `name` still begin with the prefix? */
static bool leads_to(const char *prefix, const char *name) {
    size_t wanted = strlen(prefix), length = strlen(name);
    return strncmp(prefix, name, wanted < length ? wanted : length) == 0;
}

static int walk(struct listing *listing, const char *path, const char *name);

/* Of a blob that is being put, as directory_put() calls it. */
static bool is_half_written(const char *name) {
    char blob[BLOB_NAME_MAXIMUM];
    const char *tilde = strrchr(name, '~');
    if (!tilde || strlen(tilde + 1) != NUMBER_DIGITS ||
        strspn(tilde + 1, "0123456789abcdef") != NUMBER_DIGITS)
        return false;
    int length = snprintf(blob, sizeof blob, "%.*s", (int)(tilde - name), name);
    return length < (int)sizeof blob && blob_name_is_valid(blob);
}

/* What other programs keep here (lost+found) is none of ours. */
static int consider(struct listing *listing, const char *path, const char *name) {
    struct stat stat;
    bool is_ours = blob_name_is_valid(name) || is_half_written(name);
    if (!is_ours || !leads_to(listing->prefix, name))
        return 0;
    if (lstat(path, &stat))
        return fail_unless_gone(listing, path);
    if (S_ISDIR(stat.st_mode))
        return blob_name_is_valid(name) ? walk(listing, path, name) : 0;
    if (S_ISREG(stat.st_mode) && strncmp(name, listing->prefix, strlen(listing->prefix)) == 0)
        return listing->take(listing, path, name, &stat);
    return 0;
}

/* NULL behind the last one, and then errno is 0: a listing that breaks off is not one that ends. */
static struct dirent *next_entry(DIR *directory) {
    errno = 0;
    return readdir(directory);
}

static int walk(struct listing *listing, const char *path, const char *name) {
    DIR *directory = opendir(path);
    if (!directory)
        return fail_unless_gone(listing, path);
    int status = 0;
    struct dirent *entry;
    while (status == 0 && (entry = next_entry(directory))) {
        char below[PATH_MAX], below_name[BLOB_NAME_MAXIMUM + NAME_MAX + 2];
        int path_bytes = snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        int name_bytes = snprintf(below_name, sizeof below_name, "%s%s%s", name, name[0] ? "/" : "",
                                  entry->d_name);
        if (path_bytes < PATH_MAX && name_bytes < (int)sizeof below_name)
            status = consider(listing, below, below_name);
    }
    int error = errno;
    closedir(directory);
    errno = error;
    return status == 0 && error ? fail_at(listing, path) : status;
}

static int compare_found(const void *a, const void *b) {
    return strcmp(((const struct found *)a)->name, ((const struct found *)b)->name);
}

static int directory_list(struct blob_store *store, const char *prefix,
                          int (*each)(void *context, const char *name, uint64_t bytes),
                          void *context, struct blob_problem *problem) {
    struct blob_directory *directory = directory_of(store);
    struct listing listing = {.prefix = prefix, .take = add_found};
    int status = walk(&listing, directory->path, "");
    if (status)
        status = complain(problem, "list", listing.failed, "check the directory and its rights");
    if (listing.count)
        qsort(listing.found, listing.count, sizeof(struct found), compare_found);
    for (size_t i = 0; i < listing.count; i++) {
        if (status == 0)
            status = each(context, listing.found[i].name, listing.found[i].bytes);
        memory_free(listing.found[i].name);
    }
    memory_free(listing.found);
    return status;
}

/* ---- what was never finished ---- */

static int remove_if_stale(struct listing *listing, const char *path, const char *name,
                           const struct stat *stat) {
    if (!is_half_written(name) || stat->st_mtime > time(NULL) - HALF_WRITTEN_SECONDS)
        return 0;
    return unlink(path) ? fail_unless_gone(listing, path) : 0;
}

static int directory_sweep(struct blob_store *store, const char *prefix,
                           struct blob_problem *problem) {
    struct blob_directory *directory = directory_of(store);
    struct listing listing = {.prefix = prefix, .take = remove_if_stale};
    return walk(&listing, directory->path, "")
               ? complain(problem, "sweep", listing.failed, "check the directory and its rights")
               : 0;
}

/* ---- the rest ---- */

static int directory_remove(struct blob_store *store, const char *name,
                            struct blob_problem *problem) {
    char path[PATH_MAX];
    path_of(directory_of(store), name, path);
    if (unlink(path) == 0 || errno == ENOENT)
        return 0;
    return complain(problem, "remove", path, "check the rights on its directory");
}

static void directory_submit(struct blob_store *store, struct blob_job *job) {
    blob_thread_submit(&directory_of(store)->thread, job);
}

static void directory_close(struct blob_store *store) {
    blob_thread_close(&directory_of(store)->thread);
}

static const struct blob_ops directory_ops = {
    .put = directory_put,
    .get = directory_get,
    .list = directory_list,
    .remove = directory_remove,
    .sweep = directory_sweep,
    .submit = directory_submit,
    .close = directory_close,
};

int blob_directory_open(const char *path, uv_loop_t *loop, struct blob_store **out,
                        struct blob_problem *problem) {
    struct blob_directory *directory = memory_allocate_zeroed(1, sizeof *directory);
    if (strlen(path) >= sizeof directory->path) {
        snprintf(problem->text, sizeof problem->text, "the path of the directory is too long");
        memory_free(directory);
        return ERR_INVALID;
    }
    snprintf(directory->path, sizeof directory->path, "%s", path);
    for (size_t length = strlen(directory->path); length > 1 && directory->path[length - 1] == '/';)
        directory->path[--length] = 0;
    directory->store.ops = &directory_ops;
    directory->number = entropy_u64();
    blob_thread_init(&directory->thread, loop, memory_free, directory);
    *out = &directory->store;
    return 0;
}
