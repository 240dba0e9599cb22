/* The three things that the log does on the disk's threads. Each job's fields belong to the thread
 * from submit to done.
 *
 *   round     log lane    [install the next segment]  write  sync
 *   spare     bulk lane   make a zero-filled file ahead of need, so that a round seldom has to
 *   removal   bulk lane   remove segments that nobody needs, oldest first, so that no gap can
 * appear */
#pragma once
#include "store/wal_format.h"

struct wal_round {
    struct disk_job job;
    struct disk *disk;
    void *owner;
    struct disk_file *file; /* the segment written to */
    uint64_t file_bytes;
    uint64_t next_segment;       /* 0: stay; else install this one first */
    struct disk_file *next_file; /* the spare, or NULL: make one of next_bytes */
    uint64_t next_bytes;
    uint64_t needed_bytes; /* the segment is grown to this if it is smaller */
    uint64_t offset;
    struct bytes checkpoint, records; /* written one behind the other */
    const char *what;                 /* the step that failed */
};

struct wal_spare {
    struct disk_job job;
    struct disk *disk;
    void *owner;
    uint64_t bytes;
    struct disk_file *file; /* NULL: none is ready */
};

struct wal_removal {
    struct disk_job job;
    struct disk *disk;
    void *owner;
    uint64_t from, end; /* segments from .. end - 1 */
};

int wal_round_run(struct disk_job *job) MUST_CHECK;
int wal_spare_run(struct disk_job *job) MUST_CHECK;
int wal_removal_run(struct disk_job *job) MUST_CHECK;
/* A zero-filled, synced file under a temporary name. */
int wal_segment_make(struct disk *disk, const char *name, uint64_t bytes,
                     struct disk_file **file) MUST_CHECK;
/* Gives it its segment's name, durably. */
int wal_segment_install(struct disk *disk, const char *name, uint64_t segment) MUST_CHECK;
