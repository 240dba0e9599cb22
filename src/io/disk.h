/* The door to the disk. One struct disk is one directory. The synchronous calls are for start-up
 * and for jobs; a job runs its calls on the disk's own thread and reports on the owner's event
 * loop, so that the loop never waits.
 *
 *     owner's loop:  disk->submit(job) ---------------------------> job->done(job, status)
 *     disk's thread:          job->run(job): write, sync, rename...
 *
 * Each lane runs its jobs one after the other, in order; the lanes run beside each other, so that a
 * snapshot being written does not hold up the log. io/real implements this on threads, sim/ on a
 * fake disk that tears and loses what was not synced. All calls return 0 or a negative error code:
 *
 *     ERR_NO_SPACE, ERR_NOT_FOUND, ERR_EXISTS
 *     ERR_IO          the disk itself fails: what is read is as good as lost
 *     ERR_REFUSED     a right is missing, or all is read-only
 *     ERR_BUSY        too many files are open
 *     ERR_NO_MEMORY
 *
 * Of the last three nothing follows as to what the disk holds: disk_error_is_of_process(). */
#pragma once
#include "base/bytes.h"
#include "base/error.h"

struct disk;
struct disk_file;

enum disk_lane { DISK_LANE_LOG, DISK_LANE_BULK, DISK_LANE_COUNT };
enum disk_open_mode { DISK_OPEN_READ, DISK_OPEN_WRITE, DISK_CREATE /* must not exist */ };
enum { DISK_NAME_MAXIMUM = 128, DISK_PIECES_MAXIMUM = 40, DISK_BLOCK_BYTES = 4096 };

/* What write_durable() is asked for. */
struct disk_write {
    struct disk_file *file;
    uint64_t offset;
    const struct bytes *pieces;
    size_t count;
};

static inline size_t disk_write_bytes(const struct disk_write *write) {
    size_t total = 0;
    for (size_t i = 0; i < write->count; i++)
        total += write->pieces[i].length;
    return total;
}

struct disk_job {
    int (*run)(
        struct disk_job *job); /* on the disk's thread: only the job's own memory and disk calls */
    /* run() does no more than this write_durable(): the disk may do it without a thread, and not
     * call run(). NULL: it does something else. */
    const struct disk_write *write;
    void (*done)(struct disk_job *job, int status); /* on the owner's loop */
    enum disk_lane lane;
    /* The owner has nothing better to do than to wait: the disk may run the job within submit,
     * which spares two changes of thread, if nothing of its lane is under way. `done` comes later
     * all the same. */
    bool is_awaited;
    struct disk_job *next; /* the disk's, while submitted */
    int status;            /* the disk's, while submitted */
};

struct disk_ops {
    int (*open)(struct disk *disk, const char *name, enum disk_open_mode mode,
                struct disk_file **out);
    void (*close)(struct disk_file *file);
    int (*size)(struct disk_file *file, uint64_t *bytes);
    int (*read)(struct disk_file *file, uint64_t offset, void *into, size_t length,
                size_t *got); /* short only at the end */
    int (*write)(struct disk_file *file, uint64_t offset,
                 struct bytes bytes);    /* all or an error; not durable */
    int (*sync)(struct disk_file *file); /* fdatasync */
    /* The pieces one behind the other, and durable. What stands behind them, up to the next
     * multiple of DISK_BLOCK_BYTES, may become zero. */
    int (*write_durable)(struct disk_file *file, uint64_t offset, const struct bytes *pieces,
                         size_t count);
    /* How long the last write_durable() took, its two halves. NULL: not known apart. */
    void (*durable_times)(struct disk *disk, uint64_t *write_us, uint64_t *sync_us);
    /* The system forgets what it remembers of a file's bytes, so that a read asks the disk itself,
     * and for no more than is read: what stands behind it may just be written. NULL: it remembers
     * nothing. */
    void (*forget_cached)(struct disk_file *file);
    /* It is as long as that, reads as zeros behind what it held, has its space, and is synced. */
    int (*preallocate)(struct disk_file *file, uint64_t bytes);
    int (*rename)(struct disk *disk, const char *from,
                  const char *to);                      /* replaces `to`; not durable */
    int (*remove)(struct disk *disk, const char *name); /* not durable */
    int (*sync_directory)(struct disk *disk); /* makes creations, renames, removals durable */
    int (*list)(struct disk *disk, void (*each)(void *context, const char *name),
                void *context); /* sorted by name */
    void (*submit)(struct disk *disk, struct disk_job *job);
};

struct disk {
    const struct disk_ops *ops;
};

/* Could this process not look, with what it may do and has? Then nothing may be taken for lost. */
static inline bool disk_error_is_of_process(int error) {
    return error == ERR_REFUSED || error == ERR_BUSY || error == ERR_NO_MEMORY;
}

/* Was something wanting that may be there again later: space, descriptors, memory? The call has
 * done nothing then, and may be made again. Not to be asked of a sync: what that leaves behind is
 * not known, whatever it failed for. */
static inline bool disk_error_may_pass(int error) {
    return error == ERR_NO_SPACE || error == ERR_BUSY || error == ERR_NO_MEMORY;
}

/* Has the system forget what it remembers of a file: what is read next comes from the disk. */
void disk_forget_cached(struct disk *disk, const char *name);
/* Reads a whole file. Returns owned memory in *data (memory_free). ERR_LIMIT above maximum_bytes.
 */
int disk_read_all(struct disk *disk, const char *name, size_t maximum_bytes, uint8_t **data,
                  size_t *length) MUST_CHECK;
/* Replaces a file atomically: "<name>.new", write, sync, rename. Its name is durable once the
 * directory is synced. What cannot be finished is removed. */
int disk_write_whole(struct disk *disk, const char *name, struct bytes bytes) MUST_CHECK;
/* The same, and the directory is synced. */
int disk_write_all(struct disk *disk, const char *name, struct bytes bytes) MUST_CHECK;
