/* The three things that the log does on the disk's threads. Each job's fields belong to the thread
 * from submit to done.
 *
 *   round     log lane    [install the next segment]  write  sync
 *   spare     bulk lane   make a zero-filled file ahead of need, so that a round seldom has to
 *   release   bulk lane   segments that nobody needs become spares, or go; oldest first, so that no
 *                         gap can appear */
#pragma once
#include "store/wal/batch.h"

/* A file that waits to become a segment, under its spare name. */
struct wal_spare_file {
    uint64_t number; /* in the name; 0: a new file, WAL_SPARE_RESERVE: the reserve */
    uint64_t bytes;
    struct disk_file *file; /* open for writing */
    bool is_recycled;       /* it holds what it held in a former life */
};

#define WAL_SPARE_RESERVE UINT64_MAX

enum {
    WAL_SPARE_MAXIMUM = 64,
    WAL_ROUND_PIECES = 2 + WAL_PORTION_PIECES, /* head, records, end */
};

struct wal_round {
    struct disk_job job;
    struct disk *disk;
    void *owner;
    struct disk_file *file; /* the segment written to */
    uint64_t file_bytes;
    uint64_t next_segment;      /* 0: stay, or installed; else install this one first: */
    struct wal_spare_file next; /* without a file: make one of next.bytes */
    int wanting; /* nothing was written: ERR_NO_SPACE, or whatever else may pass, for the segment.
                    It may be tried again. 0: nothing is wanting */
    uint64_t needed_bytes; /* the segment is grown to this if it is smaller */
    uint64_t offset;
    struct bytes head;          /* written one behind the other: this, */
    struct wal_portion portion; /* and these */
    struct bytes pieces[WAL_ROUND_PIECES];
    struct disk_write write; /* of the pieces, when nothing else has to be done first */
    const char *what;        /* the step that failed */
};

struct wal_spare {
    struct disk_job job;
    struct disk *disk;
    void *owner;
    struct wal_spare_file made; /* number and bytes are wanted, the file is the result */
};

struct wal_release {
    struct disk_job job;
    struct disk *disk;
    void *owner;
    uint64_t from, end; /* segments from .. end - 1 */
    /* Of those, so many of this size are kept as spares numbered from first_spare on. */
    uint64_t kept_bytes, first_spare;
    size_t kept_maximum, kept_count;
    struct wal_spare_file kept[WAL_SPARE_MAXIMUM];
};

/* Said before the job is submitted: whether it is a plain write. */
void wal_round_prepare(struct wal_round *round);
int wal_round_run(struct disk_job *job) MUST_CHECK;
int wal_spare_run(struct disk_job *job) MUST_CHECK;
int wal_release_run(struct disk_job *job) MUST_CHECK;
/* WAL_NEXT_NEW_NAME, WAL_RESERVE_NAME or that of a spare. */
void wal_spare_file_name(const struct wal_spare_file *spare, char out[DISK_NAME_MAXIMUM]);
