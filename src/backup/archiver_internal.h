/* What the two files of the archiver share.
 *   archiver.c        what to do next, on the owner's loop
 *   archiver_jobs.c   what is done on the store's thread: listing, putting, removing */
#pragma once
#include "backup/archiver.h"
#include "backup/log_archive.h"
#include "store/snapshot/shelf.h"

enum {
    ARCHIVER_CHUNKS_A_JOB = 4,
    ARCHIVER_MANIFEST_BYTES = SNAPSHOT_MANIFEST_BYTES_MAXIMUM,
};
/* What was seen of needed and needless chunks counts for so long, pauses of the process included:
 * by then another leader may have put a manifest that names any of them. */
#define ARCHIVER_LOOK_US ((uint64_t)30 * 1000 * 1000)

/* The first member of every job. */
struct archiver_job {
    struct blob_job job;
    struct archiver *archiver;
    struct blob_store *store;
    struct clock *clock;
    struct backup_place place;
    struct blob_problem problem;
    uint64_t put_bytes, put_count;
};

struct listing_job {
    struct archiver_job base;
    struct shard_backup found;
};

struct log_job {
    struct archiver_job base;
    struct log_archive archive;
    struct buffer entries;
    uint64_t oldest_us;
};

/* Runs again and again, a few chunks a time, so that pieces of the log come in between. It looks
 * for all chunks in passes: a chunk that was there in one may be gone in the next, as somebody else
 * removed what he held to be needless. */
struct snapshot_job {
    struct archiver_job base;
    struct disk *disk;
    struct snapshot_manifest *manifest; /* its own copy */
    struct table *known; /* names of the chunks that the store had; NULL: a pass begins */
    uint32_t next_chunk;
    bool has_put;  /* a chunk in this pass */
    bool is_named; /* the manifest is there */
    bool is_finished;
    bool has_lost; /* the disk has lost this chunk, which the store lacks: */
    struct snapshot_chunk lost;
};

/* Removes what is doomed: manifests, pieces of the log, and the chunks that only they name. */
struct removal_job {
    struct archiver_job base;
    struct shard_backup doomed;
    /* Names of chunks that no manifest named when it was looked the last time; NULL: none. In and
     * out; owned by whoever has the job. */
    struct table *strays;
    uint64_t removed_count;
};

int listing_run(struct blob_job *job);
int log_run(struct blob_job *job);
int snapshot_run(struct blob_job *job);
int removal_run(struct blob_job *job);
void snapshot_job_release(struct snapshot_job *job);
