#include "store/snapshot/shelf.h"
#include "base/check.h"
#include "base/containers/table.h"
#include "base/memory.h"
#include "store/snapshot/names.h"
#include <stdio.h>

enum { REMOVAL_NAMES_MAXIMUM = 4096 /* in mind at a time; then it is looked for more */ };

struct snapshot_shelf {
    struct disk *disk;
    uint32_t shard;
    struct snapshot_manifest *newest;
    struct snapshot_manifest *kept[SNAPSHOT_SHELF_MAXIMUM]; /* the newest among them */
    unsigned kept_count;
};

struct snapshot_shelf *snapshot_shelf_new(struct disk *disk, uint32_t shard) {
    struct snapshot_shelf *shelf = memory_allocate_zeroed(1, sizeof *shelf);
    shelf->disk = disk;
    shelf->shard = shard;
    return shelf;
}

void snapshot_shelf_free(struct snapshot_shelf *shelf) {
    if (shelf == NULL)
        return;
    for (unsigned i = 0; i < shelf->kept_count; i++)
        snapshot_manifest_free(shelf->kept[i]);
    memory_free(shelf);
}

struct snapshot_manifest *snapshot_shelf_newest(const struct snapshot_shelf *shelf) {
    return shelf->newest;
}

void snapshot_shelf_hold(struct snapshot_shelf *shelf, struct snapshot_manifest *manifest) {
    (void)shelf;
    manifest->holders++;
}

void snapshot_shelf_let_go(struct snapshot_shelf *shelf, struct snapshot_manifest *manifest) {
    CHECK(manifest->holders > 0);
    if (--manifest->holders > 0)
        return;
    unsigned at = 0;
    while (shelf->kept[at] != manifest)
        at++;
    shelf->kept[at] = shelf->kept[--shelf->kept_count];
    snapshot_manifest_free(manifest);
}

void snapshot_shelf_put(struct snapshot_shelf *shelf, struct snapshot_manifest *manifest) {
    struct snapshot_manifest *before = shelf->newest;
    CHECK(shelf->kept_count < SNAPSHOT_SHELF_MAXIMUM);
    CHECK(manifest->meta.shard == shelf->shard);
    shelf->kept[shelf->kept_count++] = manifest;
    manifest->holders = 1;
    shelf->newest = manifest;
    if (before)
        snapshot_shelf_let_go(shelf, before);
}

/* ---- removing ---- */

struct removal {
    struct disk_job job;
    struct disk *disk;
    uint32_t shard;
    struct table *needed; /* names of files, NULL for none */
    size_t manifest_count, chunk_count;
    char (*manifests)[DISK_NAME_MAXIMUM], (*chunks)[DISK_NAME_MAXIMUM];
};

static void note_name(char (**names)[DISK_NAME_MAXIMUM], size_t *count, const char *name) {
    if (*count == REMOVAL_NAMES_MAXIMUM)
        return;
    CHECK(strlen(name) < DISK_NAME_MAXIMUM);
    if ((*count & (*count - 1)) == 0)
        *names = memory_resize(*names, (*count ? 2 * *count : 1) * sizeof **names);
    strcpy((*names)[(*count)++], name);
}

static void removal_consider(void *context, const char *name) {
    struct removal *removal = context;
    struct snapshot_file file;
    snapshot_file_parse(name, &file);
    if (file.kind == SNAPSHOT_FILE_OTHER || file.shard != removal->shard ||
        table_get(removal->needed, bytes_of_text(name)))
        return;
    if (file.kind == SNAPSHOT_FILE_MANIFEST)
        note_name(&removal->manifests, &removal->manifest_count, name);
    else
        note_name(&removal->chunks, &removal->chunk_count, name);
}

/* One that cannot be removed holds up no other, or the disk fills up behind it. */
static int remove_names(struct disk *disk, char (*names)[DISK_NAME_MAXIMUM], size_t count) {
    int status = 0;
    for (size_t i = 0; i < count; i++) {
        int error = disk->ops->remove(disk, names[i]);
        status = status ? status : error;
    }
    int error = count ? disk->ops->sync_directory(disk) : 0;
    return status ? status : error;
}

/* A manifest goes before its chunks: one that is there has them all. */
static int remove_noted(const struct removal *removal) {
    int status = remove_names(removal->disk, removal->manifests, removal->manifest_count);
    return status ? status : remove_names(removal->disk, removal->chunks, removal->chunk_count);
}

/* The lane runs one job at a time, so a ".new" file seen here belongs to a write that never ended.
 * All go at once, however many: of a shard that was removed there is no next time, and of a large
 * one the next snapshot may write more than would go then. */
static int removal_run(struct disk_job *job) {
    struct removal *removal = (struct removal *)(void *)job;
    int status;
    bool is_full;
    do {
        removal->manifest_count = removal->chunk_count = 0;
        status = removal->disk->ops->list(removal->disk, removal_consider, removal);
        if (status == 0)
            status = remove_noted(removal);
        is_full = removal->manifest_count == REMOVAL_NAMES_MAXIMUM ||
                  removal->chunk_count == REMOVAL_NAMES_MAXIMUM;
    } while (status == 0 && is_full);
    return status;
}

/* What could not be removed is tried again after the next snapshot; nothing depends on it. */
static void removal_done(struct disk_job *job, int status) {
    (void)status;
    struct removal *removal = (struct removal *)(void *)job;
    table_free(removal->needed);
    memory_free(removal->manifests);
    memory_free(removal->chunks);
    memory_free(removal);
}

static struct removal *removal_new(struct disk *disk, uint32_t shard) {
    struct removal *removal = memory_allocate_zeroed(1, sizeof *removal);
    removal->job =
        (struct disk_job){.run = removal_run, .done = removal_done, .lane = DISK_LANE_BULK};
    removal->disk = disk;
    removal->shard = shard;
    removal->needed = table_new();
    return removal;
}

static void need_files(struct removal *removal, const struct snapshot_manifest *manifest) {
    char name[DISK_NAME_MAXIMUM];
    snapshot_manifest_name(manifest->meta.shard, manifest->meta.index, name);
    table_put(removal->needed, bytes_of_text(name), removal);
    for (uint32_t i = 0; i < manifest->chunk_count; i++) {
        snapshot_chunk_name(manifest->meta.shard, &manifest->chunks[i], name);
        table_put(removal->needed, bytes_of_text(name), removal);
    }
}

void snapshot_shelf_tidy(struct snapshot_shelf *shelf) {
    struct removal *removal = removal_new(shelf->disk, shelf->shard);
    for (unsigned i = 0; i < shelf->kept_count; i++)
        need_files(removal, shelf->kept[i]);
    shelf->disk->ops->submit(shelf->disk, &removal->job);
}

void snapshot_remove_all(struct disk *disk, uint32_t shard) {
    struct removal *removal = removal_new(disk, shard);
    disk->ops->submit(disk, &removal->job);
}
