/* The door to a store of blobs, where backups go: whole objects under names such as
 * "shard-00001/log/17", put, got, listed and removed, never changed in the middle. The calls are
 * synchronous and may take long (a network lies between); a job runs them on the store's own thread
 * and reports on the owner's event loop, so that the loop never waits.
 *
 *     owner's loop:   submit(job) -------------------------------> job->done(job, status)
 *     store's thread:        job->run(job): put, get, list, remove
 *
 * Jobs run one after the other, in order. io/real implements this for a directory and for S3, sim/
 * in memory. Every call returns 0 or a negative code with a sentence in `problem`: what is wrong,
 * where, what to do. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"

enum {
    BLOB_NAME_MAXIMUM = 512,      /* with the NUL */
    BLOB_BYTES_MAXIMUM = 96 << 20 /* of one blob: no multipart uploads are needed */
};

struct blob_problem {
    char text[768];
};

struct blob_job {
    int (*run)(struct blob_job *job); /* on the store's thread: only the job's own memory, and calls
                                         of the store and of disks */
    void (*done)(struct blob_job *job, int status); /* on the owner's loop */
    struct blob_job *next;                          /* the store's, while submitted */
    int status;                                     /* the store's, while submitted */
};

struct blob_store;
struct blob_ops {
    /* Replaces the blob; it is there as a whole, durably, or not at all. */
    int (*put)(struct blob_store *store, const char *name, struct bytes bytes,
               struct blob_problem *problem);
    /* Appends to `out`. ERR_NOT_FOUND; ERR_LIMIT past the buffer's maximum; ERR_UNREADABLE: the
     * store is there, and of this blob its disk has lost something. */
    int (*get)(struct blob_store *store, const char *name, struct buffer *out,
               struct blob_problem *problem);
    /* All whose names begin so, in the order of their names. A non-zero return stops it and is
     * returned. */
    int (*list)(struct blob_store *store, const char *prefix,
                int (*each)(void *context, const char *name, uint64_t bytes), void *context,
                struct blob_problem *problem);
    /* 0 also for a blob that is not there. */
    int (*remove)(struct blob_store *store, const char *name, struct blob_problem *problem);
    /* Removes what puts of such names have left behind that were never ended: a process died in
     * them. What may still be under way stays. */
    int (*sweep)(struct blob_store *store, const char *prefix, struct blob_problem *problem);
    void (*submit)(struct blob_store *store, struct blob_job *job);
    /* Jobs that have not begun fail with ERR_BUSY, one that is under way is broken off where that
     * is possible. Their done calls are made on the loop as ever, then the store is freed. Nothing
     * is waited for. */
    void (*close)(struct blob_store *store);
};

struct blob_store {
    const struct blob_ops *ops;
};

/* Letters, digits, '-', '_', '.' and '/', no component empty or of dots only: a name that means the
 * same in a file system and in a URL. */
bool blob_name_is_valid(const char *name);
