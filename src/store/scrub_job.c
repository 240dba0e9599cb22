#include "store/scrub_job.h"
#include "base/memory.h"
#include "store/record/format.h"
#include "store/snapshot/chunk.h"
#include "store/snapshot/names.h"

static struct scrub_job *scrub_of(struct disk_job *job) { return (struct scrub_job *)(void *)job; }

void scrub_job_init(struct scrub_job *job, struct disk *disk) {
    *job = (struct scrub_job){.job.lane = DISK_LANE_BULK, .disk = disk};
}

void scrub_job_release(struct scrub_job *job) {
    memory_free(job->slice);
    job->slice = NULL;
    job->slice_bytes = 0;
}

/* ---- a segment ---- */

static bool is_next(const struct scrub_job *job, const struct wal_header *header) {
    bool is_first = job->offset == 0;
    return header->segment == job->segment.number && (header->kind == WAL_CHECKPOINT) == is_first &&
           (is_first || (header->life == job->life && header->record == job->record + 1)) &&
           header->record <= job->segment.end_record;
}

static bool is_at_the_end(const struct scrub_job *job) {
    return job->record == job->segment.end_record && job->chain == job->segment.end_crc32c;
}

/* The records that are whole in this slice. *needed_bytes: more than the slice has are needed for
 * the next one; 0: it is as it was written, or the end is reached. */
static int verify_slice(struct scrub_job *job, struct bytes slice, size_t *needed_bytes) {
    *needed_bytes = 0;
    for (size_t at = 0; !is_at_the_end(job);) {
        struct bytes rest = bytes_of(slice.data + at, slice.length - at);
        struct wal_header header;
        if (rest.length < WAL_HEADER_BYTES) {
            *needed_bytes = WAL_HEADER_BYTES;
            return 0;
        }
        if (wal_header_decode(rest, &header) || !is_next(job, &header))
            return ERR_DAMAGED;
        size_t bytes = wal_record_bytes(header.payload_bytes);
        if (bytes > rest.length) {
            *needed_bytes = bytes;
            return 0;
        }
        if (!wal_record_verify(rest, &header, job->chain))
            return ERR_DAMAGED;
        job->record = header.record;
        job->life = header.life;
        job->chain = header.record_crc32c;
        job->offset += bytes;
        at += bytes;
    }
    return 0;
}

static int read_slice(struct scrub_job *job, size_t wanted_bytes) {
    const struct disk_ops *ops = job->disk->ops;
    char name[DISK_NAME_MAXIMUM];
    struct disk_file *file;
    wal_segment_name(job->segment.number, name);
    job->read_bytes = 0;
    int status = ops->open(job->disk, name, DISK_OPEN_READ, &file);
    if (status)
        return status;
    size_t got = 0;
    if (ops->forget_cached)
        ops->forget_cached(file);
    status = ops->read(file, job->offset, job->slice, wanted_bytes, &got);
    ops->close(file);
    job->read_bytes = got;
    return status;
}

static void make_slice(struct scrub_job *job, size_t bytes) {
    scrub_job_release(job);
    job->slice = memory_allocate(bytes);
    job->slice_bytes = bytes;
}

/* A record that is longer than a slice is read at once. */
static void size_next_slice(struct scrub_job *job, size_t needed_bytes) {
    size_t bytes = needed_bytes > SCRUB_SLICE_BYTES ? needed_bytes : SCRUB_SLICE_BYTES;
    if (bytes != job->slice_bytes)
        make_slice(job, bytes);
}

static int segment_run(struct disk_job *disk_job) {
    struct scrub_job *job = scrub_of(disk_job);
    size_t needed_bytes;
    if (job->slice == NULL)
        make_slice(job, SCRUB_SLICE_BYTES);
    uint64_t left_bytes = job->segment.end_bytes - job->offset;
    size_t wanted_bytes = left_bytes < job->slice_bytes ? (size_t)left_bytes : job->slice_bytes;
    job->is_whole = true;
    int status = read_slice(job, wanted_bytes);
    if (status == 0)
        status = verify_slice(job, bytes_of(job->slice, job->read_bytes), &needed_bytes);
    if (status || needed_bytes == 0)
        return status;
    if (job->read_bytes < wanted_bytes)
        return ERR_DAMAGED; /* the file ends before its records do */
    if (needed_bytes > job->segment.end_bytes - job->offset)
        return 0; /* the next record is not at rest as a whole */
    size_next_slice(job, needed_bytes);
    job->is_whole = false;
    return 0;
}

void scrub_job_segment(struct scrub_job *job, const struct wal_at_rest *segment) {
    job->kind = SCRUB_SEGMENT;
    job->job.run = segment_run;
    job->segment = *segment;
    if (job->slice_bytes > SCRUB_SLICE_BYTES) /* a long record was the last one before */
        scrub_job_release(job);
    job->offset = job->record = job->life = job->chain = 0;
}

/* ---- a snapshot ---- */

/* What cannot be opened, for want of descriptors or a right, is not known to be otherwise. */
static int verdict(int status) {
    bool is_said = status == 0 || status == ERR_NOT_FOUND || status == ERR_IO ||
                   disk_error_is_of_process(status);
    return is_said ? status : ERR_DAMAGED;
}

static int manifest_run(struct disk_job *disk_job) {
    struct scrub_job *job = scrub_of(disk_job);
    char name[DISK_NAME_MAXIMUM];
    struct snapshot_manifest *manifest;
    snapshot_manifest_name(job->shard, job->index, name);
    disk_forget_cached(job->disk, name);
    job->is_whole = true;
    int status = snapshot_manifest_read(job->disk, job->shard, job->index, &manifest);
    if (status)
        return verdict(status);
    bool is_same = snapshot_manifest_state_hash(manifest) == job->state_hash;
    snapshot_manifest_free(manifest);
    return is_same ? 0 : ERR_DAMAGED;
}

void scrub_job_manifest(struct scrub_job *job, const struct snapshot_manifest *manifest) {
    job->kind = SCRUB_MANIFEST;
    job->job.run = manifest_run;
    job->shard = manifest->meta.shard;
    job->index = manifest->meta.index;
    job->state_hash = snapshot_manifest_state_hash(manifest);
    job->read_bytes = manifest->chunk_count * sizeof manifest->chunks[0];
}

static int chunk_run(struct disk_job *disk_job) {
    struct scrub_job *job = scrub_of(disk_job);
    char name[DISK_NAME_MAXIMUM];
    struct buffer image;
    snapshot_chunk_name(job->shard, &job->chunk, name);
    disk_forget_cached(job->disk, name);
    job->is_whole = true;
    int status = snapshot_chunk_load(job->disk, job->shard, &job->chunk, &image);
    buffer_release(&image);
    return verdict(status);
}

void scrub_job_chunk(struct scrub_job *job, uint32_t shard, const struct snapshot_chunk *chunk) {
    job->kind = SCRUB_CHUNK;
    job->job.run = chunk_run;
    job->shard = shard;
    job->chunk = *chunk;
    job->read_bytes = chunk->stored_bytes;
}
