/* The synchronous half of the real disk: files of one directory, by their names in it. */
#pragma once
#include "io/disk.h"
#include "io/real/direct_file.h"
#include <stdatomic.h>

#define DISK_REAL_LOCK_NAME "LOCK"
/* A write past the page cache to blocks that are only reserved goes so far behind the last one that
 * was written, unless it is large by itself (docs/decisions/0041). */
enum { DISK_REAL_FILL_BYTES = 256 << 10, DISK_REAL_LARGE_BYTES = 64 << 10 };

/* Of a disk, shared by its files and threads. */
struct disk_real_timing {
    _Atomic uint64_t sync_delay_us;     /* every sync takes so much longer */
    _Atomic uint64_t write_us, sync_us; /* of the last write_durable */
};
/* A real disk begins with this. */
struct disk_real_directory {
    struct disk disk;
    int descriptor;
    bool is_direct; /* files opened from now on are written past the page cache */
    struct disk_real_timing timing;
};
uint64_t disk_real_now_us(void); /* of a clock that is good for differences */
/* A write_durable() ends now. */
void disk_real_note_times(struct disk_real_timing *timing, uint64_t begun_us, uint64_t written_us,
                          uint64_t ended_us);
/* Of errno. ERR_IO is said of the disk alone: what it cannot give back is as good as lost, and is
 * got from elsewhere. What this process may not read, or not now, is not lost. */
int disk_real_error(int error);

int disk_real_file_open(struct disk *disk, const char *name, enum disk_open_mode mode,
                        struct disk_file **out) MUST_CHECK;
void disk_real_file_close(struct disk_file *file);
int disk_real_file_size(struct disk_file *file, uint64_t *bytes) MUST_CHECK;
int disk_real_file_read(struct disk_file *file, uint64_t offset, void *into, size_t length,
                        size_t *got) MUST_CHECK;
int disk_real_file_write(struct disk_file *file, uint64_t offset, struct bytes bytes) MUST_CHECK;
int disk_real_file_sync(struct disk_file *file) MUST_CHECK;
int disk_real_file_write_durable(struct disk_file *file, uint64_t offset,
                                 const struct bytes *pieces, size_t count) MUST_CHECK;
/* What a write_durable() of a file comes to past the page cache; false: it has to go through it. */
bool disk_real_file_prepare(const struct disk_write *write, struct direct_write *out) MUST_CHECK;
int disk_real_file_direct(const struct disk_file *file); /* the descriptor for such writes */
/* How one of them ended: bytes written, or a negative errno. *is_to_be_repeated: not at all, it has
 * to be written again as a whole, by write_durable(). */
int disk_real_file_written(struct disk_file *file, const struct direct_write *write, int64_t result,
                           bool *is_to_be_repeated) MUST_CHECK;
void disk_real_file_forget_cached(struct disk_file *file);
int disk_real_file_preallocate(struct disk_file *file, uint64_t bytes) MUST_CHECK;
int disk_real_rename(struct disk *disk, const char *from, const char *to) MUST_CHECK;
int disk_real_remove(struct disk *disk, const char *name) MUST_CHECK;
int disk_real_sync_directory(struct disk *disk) MUST_CHECK;
/* Regular files only, without the lock. */
int disk_real_list(struct disk *disk, void (*each)(void *context, const char *name),
                   void *context) MUST_CHECK;
