/* What is done to the files of snapshots beside the owner's loop: one job each, on the bulk lane,
 * so that the loop pays neither for compressing nor for the disk, and the lane is never held for
 * more than one chunk. */
#pragma once
#include "store/snapshot/chunk.h"

enum snapshot_job_kind {
    /* bytes: what a machine saved, in; chunk: slots and state hash in, all of it out. Written,
     * synced, read back and verified. */
    SNAPSHOT_JOB_SAVE,
    SNAPSHOT_JOB_VERIFY, /* chunk: in. Its file is there and has the checksum that it should have */
    SNAPSHOT_JOB_STORE,  /* bytes: a chunk's image from elsewhere, in; verified all through, then as
                            SAVE */
    SNAPSHOT_JOB_LOAD,   /* bytes: a chunk's image, out, with the checksum that it should have */
    SNAPSHOT_JOB_READ,   /* bytes: what a chunk holds, out, verified all through */
    SNAPSHOT_JOB_NAME,   /* manifest, in: written durably, read back and compared */
    SNAPSHOT_JOB_FIND    /* manifest, in and out: found[] says which of its chunks are here already,
                            and those are named as they are here, compressed by whatever release;
                            none is called lacking because this process cannot look at it now */
};

struct snapshot_job {
    struct disk_job job;
    struct disk *disk;
    enum snapshot_job_kind kind;
    uint32_t shard;
    struct snapshot_chunk chunk;
    struct buffer bytes;
    struct snapshot_manifest *manifest; /* borrowed */
    bool *found;                        /* owned: by chunk of the manifest */
    uint32_t ordinal;                   /* the two below are the owner's */
    uint64_t number;
    void (*done)(struct snapshot_job *job,
                 int status); /* on the owner's loop; the job ends after */
    void *context;
};

/* Returns owned, until it is submitted; `bytes` is initialised, `chunk` and `manifest` are the
 * caller's to fill in. */
struct snapshot_job *snapshot_job_new(enum snapshot_job_kind kind, struct disk *disk,
                                      uint32_t shard);
void snapshot_job_submit(struct snapshot_job *job,
                         void (*done)(struct snapshot_job *job, int status), void *context);
