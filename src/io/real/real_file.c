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
    struct direct_file direct;
    uint64_t bytes; /* its size, or less */
    /* From here on nothing was ever written: there are zeros, which the file system may hold
     * without having written any. */
    uint64_t filled_bytes;
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
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_REFUSED;
    case EMFILE:
    case ENFILE:
        return ERR_BUSY;
    case ENOMEM:
        return ERR_NO_MEMORY;
    default:
        return ERR_IO;
    }
}

static struct disk_real_directory *directory_of(struct disk *disk) {
    return (struct disk_real_directory *)(void *)disk;
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

/* A file system that does not tell of holes has none. */
static void find_filled(struct disk_file *file) {
    off_t hole = lseek(file->descriptor, 0, SEEK_HOLE);
    file->filled_bytes = hole < 0 ? file->bytes : (uint64_t)hole;
}

static void note_filled(struct disk_file *file, uint64_t end) {
    if (end > file->filled_bytes)
        file->filled_bytes = end;
}

int disk_real_file_open(struct disk *disk, const char *name, enum disk_open_mode mode,
                        struct disk_file **out) {
    check_name(name);
    int descriptor;
    do
        descriptor = openat(directory_of(disk)->descriptor, name,
                            open_flags(mode) | O_CLOEXEC | O_NOFOLLOW, 0640);
    while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0)
        return disk_real_error(errno);
    struct disk_file *file = memory_allocate(sizeof *file);
    *file = (struct disk_file){.descriptor = descriptor, .timing = &directory_of(disk)->timing};
    direct_file_init(&file->direct);
    *out = file;
    if (mode == DISK_OPEN_READ || !directory_of(disk)->is_direct)
        return 0;
    direct_file_open(&file->direct, directory_of(disk)->descriptor, name);
    int status = disk_real_file_size(file, &file->bytes);
    if (status)
        disk_real_file_close(file);
    else
        find_filled(file);
    return status;
}

void disk_real_file_close(struct disk_file *file) {
    direct_file_close(&file->direct);
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
    direct_file_forget(&file->direct);
    note_filled(file, offset + bytes.length);
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

static void delay_sync(const struct disk_file *file) {
    uint64_t delay_us = atomic_load_explicit(&file->timing->sync_delay_us, memory_order_relaxed);
    if (delay_us > 0)
        usleep((useconds_t)delay_us);
}

/* Never tried again: after a failure the kernel may have dropped the pages and would call them
 * clean. */
int disk_real_file_sync(struct disk_file *file) {
    delay_sync(file);
    return status_of(fdatasync(file->descriptor));
}

/* ---- durable writes ---- */

/* In one call where the system takes it whole, which it does unless it is interrupted. */
static int write_pieces(const struct disk_write *write) {
    struct iovec vector[DISK_PIECES_MAXIMUM];
    CHECK(write->count <= DISK_PIECES_MAXIMUM);
    for (size_t i = 0; i < write->count; i++)
        vector[i] = (struct iovec){.iov_base = (void *)(uintptr_t)write->pieces[i].data,
                                   .iov_len = write->pieces[i].length};
    size_t total = disk_write_bytes(write);
    direct_file_forget(&write->file->direct);
    note_filled(write->file, write->offset + total);
    uint64_t offset = write->offset;
    ssize_t written = pwritev(write->file->descriptor, vector, (int)write->count, (off_t)offset);
    int status = written < 0 && errno != EINTR ? disk_real_error(errno) : 0;
    if (written == (ssize_t)total)
        return 0;
    for (size_t i = 0; i < write->count && status == 0; i++) {
        status = disk_real_file_write(write->file, offset, write->pieces[i]);
        offset += write->pieces[i].length;
    }
    return status;
}

uint64_t disk_real_now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void disk_real_note_times(struct disk_real_timing *timing, uint64_t begun_us, uint64_t written_us,
                          uint64_t ended_us) {
    atomic_store_explicit(&timing->write_us, written_us - begun_us, memory_order_relaxed);
    atomic_store_explicit(&timing->sync_us, ended_us - written_us, memory_order_relaxed);
}

static int write_through_cache(const struct disk_write *write) {
    uint64_t begun_us = disk_real_now_us();
    int status = write_pieces(write);
    uint64_t written_us = disk_real_now_us();
    if (status)
        return status;
    status = disk_real_file_sync(write->file);
    disk_real_note_times(write->file->timing, begun_us, written_us, disk_real_now_us());
    return status;
}

/* How far a write that ends there should go. The file system's account of what is written, which a
 * sync has to make durable as well, then changes once for many small writes; a large one, which
 * hardly feels that, is not made any larger. */
static uint64_t end_to_fill(const struct disk_file *file, uint64_t end) {
    uint64_t filled = file->filled_bytes, wanted = filled + DISK_REAL_FILL_BYTES;
    uint64_t file_end = file->bytes & ~(uint64_t)(DISK_BLOCK_BYTES - 1);
    if (end <= filled || end >= filled + DISK_REAL_LARGE_BYTES)
        return end;
    return wanted < file_end ? wanted : file_end;
}

bool disk_real_file_prepare(const struct disk_write *write, struct direct_write *out) {
    struct disk_file *file = write->file;
    uint64_t least_end = end_to_fill(file, write->offset + disk_write_bytes(write));
    return direct_file_prepare(&file->direct, file->descriptor, file->bytes, least_end, write, out);
}

int disk_real_file_direct(const struct disk_file *file) { return file->direct.descriptor; }

/* A file system may refuse such writes without having done anything, or break one off. A failure of
 * the disk is never tried again. */
int disk_real_file_written(struct disk_file *file, const struct direct_write *write, int64_t result,
                           bool *is_to_be_repeated) {
    int64_t wanted = (int64_t)write->bytes.length;
    bool is_refused = result == -EINVAL || result == -EOPNOTSUPP;
    *is_to_be_repeated =
        is_refused || result == -EINTR || result == -EAGAIN || (result >= 0 && result < wanted);
    if (result == wanted) {
        note_filled(file, write->offset + write->bytes.length);
        return 0;
    }
    direct_file_forget(&file->direct);
    if (is_refused)
        direct_file_close(&file->direct);
    return *is_to_be_repeated ? 0 : disk_real_error((int)-result);
}

int disk_real_file_write_durable(struct disk_file *file, uint64_t offset,
                                 const struct bytes *pieces, size_t count) {
    const struct disk_write write = {
        .file = file, .offset = offset, .pieces = pieces, .count = count};
    struct direct_write direct;
    uint64_t begun_us = disk_real_now_us();
    if (!disk_real_file_prepare(&write, &direct))
        return write_through_cache(&write);
    struct iovec vector = {.iov_base = (void *)(uintptr_t)direct.bytes.data,
                           .iov_len = direct.bytes.length};
    uint64_t prepared_us = disk_real_now_us();
    delay_sync(file);
    ssize_t written =
        pwritev2(file->direct.descriptor, &vector, 1, (off_t)direct.offset, RWF_DSYNC);
    bool is_to_be_repeated;
    int status =
        disk_real_file_written(file, &direct, written < 0 ? -errno : written, &is_to_be_repeated);
    if (is_to_be_repeated)
        return write_through_cache(&write);
    disk_real_note_times(file->timing, begun_us, prepared_us, disk_real_now_us());
    return status;
}

/* Only of pages that are clean; whoever reads has nothing to gain by knowing of the others. */
void disk_real_file_forget_cached(struct disk_file *file) {
    (void)posix_fadvise(file->descriptor, 0, 0, POSIX_FADV_DONTNEED);
    (void)posix_fadvise(file->descriptor, 0, 0, POSIX_FADV_RANDOM); /* no reading ahead */
}

/* Past the page cache, if that can be: nobody will read them there, and to find pages for a whole
 * segment and copy zeros into them takes longer than the disk does. */
static int write_zeros(struct disk_file *file, uint64_t offset, struct bytes zeros) {
    bool is_whole = (offset | zeros.length) % DISK_BLOCK_BYTES == 0;
    if (is_whole && file->direct.descriptor >= 0 &&
        pwrite(file->direct.descriptor, zeros.data, zeros.length, (off_t)offset) ==
            (ssize_t)zeros.length)
        return 0;
    int status = disk_real_file_write(file, offset, zeros);
    if (status)
        return status;
    return status_of(sync_file_range(file->descriptor, (off_t)offset, (off_t)zeros.length,
                                     SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER));
}

static int fill_with_zeros(struct disk_file *file, uint64_t offset, uint64_t end) {
    int status = 0;
    uint8_t *memory = memory_allocate_zeroed(1, zero_piece_bytes + DISK_BLOCK_BYTES);
    uint8_t *zeros = memory + (-(uintptr_t)memory & (DISK_BLOCK_BYTES - 1));
    while (status == 0 && offset < end) {
        size_t piece = end - offset < zero_piece_bytes ? (size_t)(end - offset) : zero_piece_bytes;
        status = write_zeros(file, offset, bytes_of(zeros, piece));
        offset += piece;
    }
    memory_free(memory);
    return status;
}

/* Past the page cache blocks are only reserved, and filled as they are written
 * (disk_real_file_prepare()). Through it they are filled here: a first write to a reserved block
 * changes the file system's account of it, which each sync would have to write as well. Piece by
 * piece, so that a sync of the log beside it never waits behind all of it. */
static int extend(struct disk_file *file, uint64_t from, uint64_t end) {
    bool is_direct = file->direct.descriptor >= 0;
    int mode = is_direct ? 0 : FALLOC_FL_KEEP_SIZE;
    int reserved = fallocate(file->descriptor, mode, (off_t)from, (off_t)(end - from));
    if (status_of(reserved) == ERR_NO_SPACE)
        return ERR_NO_SPACE;
    return is_direct && reserved == 0 ? 0 : fill_with_zeros(file, from, end);
}

int disk_real_file_preallocate(struct disk_file *file, uint64_t bytes) {
    uint64_t offset;
    int status = disk_real_file_size(file, &offset);
    if (status == 0 && offset < bytes)
        status = extend(file, offset, bytes);
    if (status == 0 && disk_real_file_sync(file))
        status = ERR_IO; /* whatever it failed for: disk_error_may_pass() */
    if (status || offset >= bytes)
        return status;
    file->bytes = bytes;
    /* What is written past the page cache would have to drop them from it, piece by piece. */
    if (file->direct.descriptor >= 0)
        disk_real_file_forget_cached(file);
    return 0;
}

int disk_real_rename(struct disk *disk, const char *from, const char *to) {
    check_name(from);
    check_name(to);
    int directory = directory_of(disk)->descriptor;
    return status_of(renameat(directory, from, directory, to));
}

int disk_real_remove(struct disk *disk, const char *name) {
    check_name(name);
    return status_of(unlinkat(directory_of(disk)->descriptor, name, 0));
}

int disk_real_sync_directory(struct disk *disk) {
    return status_of(fsync(directory_of(disk)->descriptor));
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
    int count = scandirat(directory_of(disk)->descriptor, ".", &entries, is_listed, compare_names);
    if (count < 0)
        return disk_real_error(errno);
    for (int i = 0; i < count; i++) {
        each(context, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return 0;
}
