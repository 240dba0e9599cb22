#include "io/real/real_file.h"
#include "base/check.h"
#include "base/memory.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static const size_t zero_piece_bytes = 1 << 20;

struct disk_file {
    int descriptor;
    struct disk_real_timing *timing; /* the disk's */
};

int disk_real_error(int error) {
    switch (error) {
    case ENOSPC:
    case EDQUOT:
        return ERR_NO_SPACE;
    case ENOENT:
        return ERR_NOT_FOUND;
    case EEXIST:
        return ERR_EXISTS;
    default:
        return ERR_IO;
    }
}

static int status_of(int result) { return result < 0 ? disk_real_error(errno) : 0; }

static void check_name(const char *name) {
    CHECK(name[0] != 0);
    CHECK(strlen(name) < DISK_NAME_MAXIMUM);
    CHECK(strchr(name, '/') == NULL);
}

static int open_flags(enum disk_open_mode mode) {
    switch (mode) {
    case DISK_OPEN_READ:
        return O_RDONLY;
    case DISK_OPEN_WRITE:
        return O_RDWR;
    case DISK_CREATE:
        return O_RDWR | O_CREAT | O_EXCL;
    }
    UNREACHABLE();
}

int disk_real_file_open(struct disk *disk, const char *name, enum disk_open_mode mode,
                        struct disk_file **out) {
    check_name(name);
    int descriptor =
        openat(disk_real_directory(disk), name, open_flags(mode) | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (descriptor < 0)
        return disk_real_error(errno);
    *out = memory_allocate(sizeof **out);
    (*out)->descriptor = descriptor;
    (*out)->timing = disk_real_timing(disk);
    return 0;
}

void disk_real_file_close(struct disk_file *file) {
    close(file->descriptor);
    memory_free(file);
}

int disk_real_file_size(struct disk_file *file, uint64_t *bytes) {
    struct stat information;
    if (fstat(file->descriptor, &information) != 0)
        return disk_real_error(errno);
    *bytes = (uint64_t)information.st_size;
    return 0;
}

int disk_real_file_read(struct disk_file *file, uint64_t offset, void *into, size_t length,
                        size_t *got) {
    *got = 0;
    while (*got < length) {
        ssize_t read =
            pread(file->descriptor, (uint8_t *)into + *got, length - *got, (off_t)(offset + *got));
        if (read < 0 && errno == EINTR)
            continue;
        if (read < 0)
            return disk_real_error(errno);
        if (read == 0)
            return 0;
        *got += (size_t)read;
    }
    return 0;
}

int disk_real_file_write(struct disk_file *file, uint64_t offset, struct bytes bytes) {
    size_t written = 0;
    while (written < bytes.length) {
        ssize_t some = pwrite(file->descriptor, bytes.data + written, bytes.length - written,
                              (off_t)(offset + written));
        if (some < 0 && errno == EINTR)
            continue;
        if (some < 0)
            return disk_real_error(errno);
        written += (size_t)some;
    }
    return 0;
}

/* Never tried again: after a failure the kernel may have dropped the pages and would call them
 * clean. */
int disk_real_file_sync(struct disk_file *file) {
    uint64_t delay_us = atomic_load_explicit(&file->timing->sync_delay_us, memory_order_relaxed);
    if (delay_us > 0)
        usleep((useconds_t)delay_us);
    return status_of(fdatasync(file->descriptor));
}

/* In one call where the system takes it whole, which it does unless it is interrupted. */
static int write_pieces(struct disk_file *file, uint64_t offset, const struct bytes *pieces,
                        size_t count) {
    struct iovec vector[DISK_PIECES_MAXIMUM];
    CHECK(count <= DISK_PIECES_MAXIMUM);
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        vector[i] = (struct iovec){.iov_base = (void *)(uintptr_t)pieces[i].data,
                                   .iov_len = pieces[i].length};
        total += pieces[i].length;
    }
    ssize_t written = pwritev(file->descriptor, vector, (int)count, (off_t)offset);
    int status = written < 0 && errno != EINTR ? disk_real_error(errno) : 0;
    if (written == (ssize_t)total)
        return 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        status = disk_real_file_write(file, offset, pieces[i]);
        offset += pieces[i].length;
    }
    return status;
}

static uint64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int disk_real_file_write_durable(struct disk_file *file, uint64_t offset,
                                 const struct bytes *pieces, size_t count) {
    uint64_t begun_us = now_us();
    int status = write_pieces(file, offset, pieces, count);
    uint64_t written_us = now_us();
    if (status)
        return status;
    status = disk_real_file_sync(file);
    atomic_store_explicit(&file->timing->write_us, written_us - begun_us, memory_order_relaxed);
    atomic_store_explicit(&file->timing->sync_us, now_us() - written_us, memory_order_relaxed);
    return status;
}

/* Zeros are written rather than only reserved: a first write to a reserved block changes the file's
 * metadata, which each fdatasync would then have to write as well. Piece by piece, so that a sync
 * of the log beside it never waits behind all of it. */
int disk_real_file_preallocate(struct disk_file *file, uint64_t bytes) {
    uint64_t offset;
    int status = disk_real_file_size(file, &offset);
    if (status || offset >= bytes)
        return status ? status : disk_real_file_sync(file);
    off_t extension = (off_t)(bytes - offset);
    /* Only asks for one piece of the disk, if the file system knows how; but a full disk is known
     * at once. */
    int reserved = fallocate(file->descriptor, FALLOC_FL_KEEP_SIZE, (off_t)offset, extension);
    if (status_of(reserved) == ERR_NO_SPACE)
        return ERR_NO_SPACE;
    uint8_t *zeros = memory_allocate_zeroed(1, zero_piece_bytes);
    while (status == 0 && offset < bytes) {
        size_t piece =
            bytes - offset < zero_piece_bytes ? (size_t)(bytes - offset) : zero_piece_bytes;
        status = disk_real_file_write(file, offset, bytes_of(zeros, piece));
        if (status == 0)
            status = status_of(sync_file_range(file->descriptor, (off_t)offset, (off_t)piece,
                                               SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER));
        offset += piece;
    }
    memory_free(zeros);
    return status ? status : disk_real_file_sync(file);
}

int disk_real_rename(struct disk *disk, const char *from, const char *to) {
    check_name(from);
    check_name(to);
    int directory = disk_real_directory(disk);
    return status_of(renameat(directory, from, directory, to));
}

int disk_real_remove(struct disk *disk, const char *name) {
    check_name(name);
    return status_of(unlinkat(disk_real_directory(disk), name, 0));
}

int disk_real_sync_directory(struct disk *disk) {
    return status_of(fsync(disk_real_directory(disk)));
}

static int is_listed(const struct dirent *entry) {
    bool is_file = entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN;
    return is_file && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
           strlen(entry->d_name) < DISK_NAME_MAXIMUM &&
           strcmp(entry->d_name, DISK_REAL_LOCK_NAME) != 0;
}

static int compare_names(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

int disk_real_list(struct disk *disk, void (*each)(void *context, const char *name),
                   void *context) {
    struct dirent **entries;
    int count = scandirat(disk_real_directory(disk), ".", &entries, is_listed, compare_names);
    if (count < 0)
        return disk_real_error(errno);
    for (int i = 0; i < count; i++) {
        each(context, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return 0;
}
