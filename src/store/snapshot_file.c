#include "base/check.h"
#include "base/memory.h"
#include "store/snapshot.h"
#include <inttypes.h>
#include <stdio.h>

static const size_t file_maximum_bytes = (size_t)16 << 30;

void snapshot_file_name(uint32_t shard, uint64_t index, char out[DISK_NAME_MAXIMUM]) {
    snprintf(out, DISK_NAME_MAXIMUM, "snapshot-%" PRIu32 "-%" PRIu64, shard, index);
}

/* "snapshot-<shard>-<index>" or the same with ".new" behind it, while it is being written. */
static bool file_name_parse(const char *name, uint32_t *shard, uint64_t *index, bool *is_whole) {
    int end = 0;
    if (sscanf(name, "snapshot-%" SCNu32 "-%" SCNu64 "%n", shard, index, &end) != 2 || end == 0)
        return false;
    char canonical[DISK_NAME_MAXIMUM];
    snapshot_file_name(*shard, *index, canonical);
    *is_whole = name[end] == 0;
    return strncmp(canonical, name, (size_t)end) == 0 && (size_t)end == strlen(canonical) &&
           (*is_whole || strcmp(name + end, ".new") == 0);
}

/* ---- saving ---- */

struct saving {
    struct disk_job job;
    struct disk *disk;
    struct buffer raw; /* of snapshot_make(), until the image is made */
    struct snapshot_meta meta;
    struct buffer image;
    char name[DISK_NAME_MAXIMUM];
    void (*done)(void *context, int status);
    void *context;
};

static int saving_run(struct disk_job *job) {
    struct saving *saving = (struct saving *)(void *)job;
    if (saving->image.is_overflowed)
        return ERR_LIMIT;
    return disk_write_all(saving->disk, saving->name, buffer_bytes(&saving->image));
}

static int making_run(struct disk_job *job) {
    struct saving *saving = (struct saving *)(void *)job;
    if (saving->raw.is_overflowed)
        return ERR_LIMIT;
    struct snapshot_writer *writer = snapshot_writer_new(&saving->meta);
    snapshot_writer_write(writer, buffer_bytes(&saving->raw));
    snapshot_writer_finish(writer, &saving->image);
    return saving_run(job);
}

static void saving_done(struct disk_job *job, int status) {
    struct saving *saving = (struct saving *)(void *)job;
    void (*done)(void *context, int status) = saving->done;
    void *context = saving->context;
    buffer_release(&saving->raw);
    buffer_release(&saving->image);
    memory_free(saving);
    done(context, status);
}

static struct saving *saving_new(struct disk *disk, uint32_t shard, uint64_t index,
                                 int (*run)(struct disk_job *job),
                                 void (*done)(void *context, int status), void *context) {
    struct saving *saving = memory_allocate_zeroed(1, sizeof *saving);
    saving->job = (struct disk_job){.run = run, .done = saving_done, .lane = DISK_LANE_BULK};
    saving->disk = disk;
    saving->done = done;
    saving->context = context;
    snapshot_file_name(shard, index, saving->name);
    return saving;
}

void snapshot_save(struct disk *disk, uint32_t shard, uint64_t index, struct buffer *image,
                   void (*done)(void *context, int status), void *context) {
    struct saving *saving = saving_new(disk, shard, index, saving_run, done, context);
    saving->image = *image;
    buffer_init(image, image->maximum_bytes);
    disk->ops->submit(disk, &saving->job);
}

void snapshot_make(struct disk *disk, const struct snapshot_meta *meta, struct buffer *raw,
                   void (*done)(void *context, int status), void *context) {
    struct saving *saving = saving_new(disk, meta->shard, meta->index, making_run, done, context);
    saving->meta = *meta;
    saving->raw = *raw;
    buffer_init(raw, raw->maximum_bytes);
    disk->ops->submit(disk, &saving->job);
}

/* ---- loading ---- */

int snapshot_load(struct disk *disk, uint32_t shard, uint64_t index, struct buffer *image,
                  struct snapshot_meta *meta) {
    char name[DISK_NAME_MAXIMUM];
    snapshot_file_name(shard, index, name);
    uint8_t *data;
    size_t length;
    int status = disk_read_all(disk, name, file_maximum_bytes, &data, &length);
    if (status)
        return status;
    status = snapshot_verify(bytes_of(data, length), meta);
    if (status == 0 && (meta->shard != shard || meta->index != index))
        status = ERR_DAMAGED; /* another snapshot under this one's name */
    if (status) {
        memory_free(data);
        return status;
    }
    *image = (struct buffer){
        .memory = data, .length = length, .capacity = length, .maximum_bytes = file_maximum_bytes};
    return 0;
}

/* ---- removing ---- */

enum { REMOVAL_NAMES_MAXIMUM = 256 }; /* in one go; what is left goes the next time */

struct removal {
    struct disk_job job;
    struct disk *disk;
    uint32_t shard;
    uint64_t index;
    size_t name_count;
    char names[REMOVAL_NAMES_MAXIMUM][DISK_NAME_MAXIMUM];
};

static void removal_consider(void *context, const char *name) {
    struct removal *removal = context;
    uint32_t shard;
    uint64_t index;
    bool is_whole;
    if (!file_name_parse(name, &shard, &index, &is_whole) || shard != removal->shard)
        return;
    if ((is_whole && index >= removal->index) || removal->name_count == REMOVAL_NAMES_MAXIMUM)
        return;
    CHECK(strlen(name) < DISK_NAME_MAXIMUM);
    strcpy(removal->names[removal->name_count++], name);
}

/* The lane runs one job at a time, so a ".new" file seen here belongs to a write that never ended.
 */
static int removal_run(struct disk_job *job) {
    struct removal *removal = (struct removal *)(void *)job;
    struct disk *disk = removal->disk;
    int status = disk->ops->list(disk, removal_consider, removal);
    for (size_t i = 0; status == 0 && i < removal->name_count; i++)
        status = disk->ops->remove(disk, removal->names[i]);
    if (status == 0 && removal->name_count)
        status = disk->ops->sync_directory(disk);
    return status;
}

/* A file that could not be removed is tried again after the next snapshot; nothing depends on it.
 */
static void removal_done(struct disk_job *job, int status) {
    (void)status;
    memory_free(job);
}

void snapshot_remove_older(struct disk *disk, uint32_t shard, uint64_t index) {
    struct removal *removal = memory_allocate(sizeof *removal);
    removal->job =
        (struct disk_job){.run = removal_run, .done = removal_done, .lane = DISK_LANE_BULK};
    removal->disk = disk;
    removal->shard = shard;
    removal->index = index;
    removal->name_count = 0;
    disk->ops->submit(disk, &removal->job);
}
