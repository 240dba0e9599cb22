/* Reads again what lies at rest on the disk, a piece a job on the bulk lane, past what the system
 * remembers of it: a segment of the log slice by slice, a manifest, a chunk. Of the newest segment
 * only blocks are read that no round writes to any more: a reader beside a write past the page
 * cache may see what never was there, or make the write fail.
 *
 *     scrub_job_segment() --> submit --> done: is_whole? else submit again, the next slice
 *
 * ERR_NOT_FOUND: the file is gone, because nobody needs it any more. ERR_DAMAGED or ERR_IO: it is
 * not as it was written. Where disk_error_is_of_process(), it was not looked at. */
#pragma once
#include "store/snapshot/manifest.h"
#include "store/wal/wal.h"

enum { SCRUB_SLICE_BYTES = 256 << 10 };

enum scrub_kind { SCRUB_SEGMENT, SCRUB_MANIFEST, SCRUB_CHUNK };

struct scrub_job {
    struct disk_job job; /* first; its run is set by those below, done is the owner's */
    struct disk *disk;
    enum scrub_kind kind;
    uint64_t read_bytes; /* by the last run */
    bool is_whole;       /* nothing of it is left to read */
    struct wal_at_rest segment;
    uint64_t offset, record,
        life; /* where the next slice begins; of the last record, 0: none yet */
    uint32_t chain;
    uint8_t *slice; /* owned: scrub_job_release() */
    size_t slice_bytes;
    uint32_t shard; /* of a manifest or a chunk */
    uint64_t index, state_hash;
    struct snapshot_chunk chunk;
};

void scrub_job_init(struct scrub_job *job, struct disk *disk);
void scrub_job_release(struct scrub_job *job);
/* Say what is read when the job is submitted next. */
void scrub_job_segment(struct scrub_job *job, const struct wal_at_rest *segment);
void scrub_job_manifest(struct scrub_job *job, const struct snapshot_manifest *manifest);
void scrub_job_chunk(struct scrub_job *job, uint32_t shard, const struct snapshot_chunk *chunk);
