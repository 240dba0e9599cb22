#include "store/snapshot/job.h"
#include "base/memory.h"
#include "store/snapshot/names.h"

static struct snapshot_job *job_of(struct disk_job *job) {
    return (struct snapshot_job *)(void *)job;
}

static int read_back(struct snapshot_job *job) {
    struct buffer raw;
    int status = snapshot_chunk_read(job->disk, job->shard, &job->chunk, &raw);
    buffer_release(&raw);
    return status;
}

static int save(struct snapshot_job *job) {
    struct buffer image;
    buffer_init(&image, SIZE_MAX);
    int status = job->bytes.is_overflowed ? ERR_LIMIT : 0;
    if (status == 0)
        status = snapshot_chunk_pack(job->shard, buffer_bytes(&job->bytes), &image, &job->chunk);
    buffer_release(&job->bytes);
    if (status == 0)
        status = snapshot_chunk_write(job->disk, job->shard, &job->chunk, buffer_bytes(&image));
    buffer_release(&image);
    return status ? status : read_back(job);
}

static int verify(struct snapshot_job *job) {
    struct buffer image;
    int status = snapshot_chunk_load(job->disk, job->shard, &job->chunk, &image);
    buffer_release(&image);
    return status;
}

static int store(struct snapshot_job *job) {
    struct buffer raw;
    buffer_init(&raw, SNAPSHOT_CHUNK_BYTES_MAXIMUM);
    uint64_t offset;
    int status =
        snapshot_chunk_unpack(job->shard, &job->chunk, buffer_bytes(&job->bytes), &raw, &offset);
    buffer_release(&raw);
    if (status == 0)
        status =
            snapshot_chunk_write(job->disk, job->shard, &job->chunk, buffer_bytes(&job->bytes));
    buffer_release(&job->bytes);
    if (status == 0) /* so that a transfer goes on from here even after a power failure */
        status = job->disk->ops->sync_directory(job->disk);
    return status ? status : read_back(job);
}

static int name(struct snapshot_job *job) {
    const struct snapshot_meta *meta = &job->manifest->meta;
    int status = snapshot_manifest_write(job->disk, job->manifest);
    if (status)
        return status;
    struct snapshot_manifest *written;
    status = snapshot_manifest_read(job->disk, meta->shard, meta->index, &written);
    if (status == 0 &&
        snapshot_manifest_state_hash(written) != snapshot_manifest_state_hash(job->manifest))
        status = ERR_DAMAGED;
    snapshot_manifest_free(written);
    return status;
}

/* ---- which chunks are here ---- */

static int file_bytes(struct disk *disk, const char *file_name, uint64_t *bytes) {
    struct disk_file *file;
    int status = disk->ops->open(disk, file_name, DISK_OPEN_READ, &file);
    if (status)
        return status;
    status = disk->ops->size(file, bytes);
    disk->ops->close(file);
    return status;
}

struct look {
    struct snapshot_job *job;
    int error; /* what this process could not look at may be here */
};

/* One that the disk cannot read counts as lacking: the leader's copy is taken in its place. */
static bool is_readable(struct look *look, const char *file_name, uint64_t *bytes) {
    int status = file_bytes(look->job->disk, file_name, bytes);
    if (disk_error_is_of_process(status))
        look->error = status;
    return status == 0;
}

static void find_file(void *context, const char *file_name) {
    struct look *look = context;
    struct snapshot_job *job = look->job;
    struct snapshot_file file;
    uint64_t bytes;
    snapshot_file_parse(file_name, &file);
    if (file.kind != SNAPSHOT_FILE_CHUNK || !file.is_whole || file.shard != job->shard)
        return;
    for (uint32_t i = 0; i < job->manifest->chunk_count; i++) {
        struct snapshot_chunk *chunk = &job->manifest->chunks[i];
        bool is_same = chunk->raw_checksum.low == file.chunk.raw_checksum.low &&
                       chunk->raw_checksum.high == file.chunk.raw_checksum.high;
        if (!is_same || job->found[i] || !is_readable(look, file_name, &bytes))
            continue;
        job->found[i] = true;
        chunk->stored_bytes = bytes;
        chunk->stored_checksum = file.chunk.stored_checksum;
    }
}

static int find(struct snapshot_job *job) {
    struct look look = {.job = job};
    job->found = memory_allocate_zeroed(job->manifest->chunk_count, sizeof *job->found);
    int status = job->disk->ops->list(job->disk, find_file, &look);
    return status ? status : look.error;
}

/* ---- the job ---- */

static int job_run(struct disk_job *disk_job) {
    struct snapshot_job *job = job_of(disk_job);
    switch (job->kind) {
    case SNAPSHOT_JOB_SAVE:
        return save(job);
    case SNAPSHOT_JOB_VERIFY:
        return verify(job);
    case SNAPSHOT_JOB_STORE:
        return store(job);
    case SNAPSHOT_JOB_LOAD:
        return snapshot_chunk_load(job->disk, job->shard, &job->chunk, &job->bytes);
    case SNAPSHOT_JOB_READ:
        return snapshot_chunk_read(job->disk, job->shard, &job->chunk, &job->bytes);
    case SNAPSHOT_JOB_NAME:
        return name(job);
    case SNAPSHOT_JOB_FIND:
        return find(job);
    }
    return ERR_INVALID;
}

static void job_done(struct disk_job *disk_job, int status) {
    struct snapshot_job *job = job_of(disk_job);
    job->done(job, status);
    buffer_release(&job->bytes);
    memory_free(job->found);
    memory_free(job);
}

struct snapshot_job *snapshot_job_new(enum snapshot_job_kind kind, struct disk *disk,
                                      uint32_t shard) {
    struct snapshot_job *job = memory_allocate_zeroed(1, sizeof *job);
    job->job = (struct disk_job){.run = job_run, .done = job_done, .lane = DISK_LANE_BULK};
    job->disk = disk;
    job->kind = kind;
    job->shard = shard;
    buffer_init(&job->bytes, SNAPSHOT_CHUNK_BYTES_MAXIMUM);
    return job;
}

void snapshot_job_submit(struct snapshot_job *job,
                         void (*done)(struct snapshot_job *job, int status), void *context) {
    job->done = done;
    job->context = context;
    job->disk->ops->submit(job->disk, &job->job);
}
