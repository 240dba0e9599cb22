#include "entry_disk.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"

enum { FILE_MAXIMUM = 1024 };

struct memory_file {
    char name[DISK_NAME_MAXIMUM]; /* empty: there is none */
    struct buffer bytes;
};

struct memory_disk {
    struct disk door; /* first: the calls find the disk by it */
    struct memory_file files[FILE_MAXIMUM];
    struct disk_job *jobs[DISK_LANE_COUNT]; /* the oldest first */
};

struct disk_file {
    struct memory_file *file;
};

static struct memory_disk *disk_of(struct disk *door) { return (struct memory_disk *)(void *)door; }

static struct memory_file *find(struct memory_disk *disk, const char *name) {
    for (unsigned i = 0; i < FILE_MAXIMUM; i++)
        if (strcmp(disk->files[i].name, name) == 0)
            return &disk->files[i];
    return NULL;
}

static int memory_open(struct disk *door, const char *name, enum disk_open_mode mode,
                       struct disk_file **out) {
    struct memory_disk *disk = disk_of(door);
    struct memory_file *file = find(disk, name);
    if (mode == DISK_CREATE) {
        if (file)
            return ERR_EXISTS;
        file = find(disk, "");
        if (file == NULL || strlen(name) >= DISK_NAME_MAXIMUM)
            return ERR_NO_SPACE;
        strcpy(file->name, name);
        buffer_init(&file->bytes, SIZE_MAX);
    }
    if (file == NULL)
        return ERR_NOT_FOUND;
    *out = memory_allocate(sizeof **out);
    **out = (struct disk_file){.file = file};
    return 0;
}

static void memory_close(struct disk_file *file) { memory_free(file); }

static int memory_size(struct disk_file *file, uint64_t *bytes) {
    *bytes = file->file->bytes.length;
    return 0;
}

static int memory_read(struct disk_file *file, uint64_t offset, void *into, size_t length,
                       size_t *got) {
    size_t bytes = file->file->bytes.length;
    *got = offset >= bytes ? 0 : bytes - offset < length ? (size_t)(bytes - offset) : length;
    if (*got)
        memcpy(into, buffer_data(&file->file->bytes) + offset, *got);
    return 0;
}

static void grow(struct memory_file *file, uint64_t bytes) {
    if (bytes <= file->bytes.length)
        return;
    size_t more = (size_t)bytes - file->bytes.length;
    memset(buffer_reserve(&file->bytes, more), 0, more);
    buffer_grew(&file->bytes, more);
}

static int memory_preallocate(struct disk_file *file, uint64_t bytes) {
    grow(file->file, bytes);
    return 0;
}

static int memory_write(struct disk_file *file, uint64_t offset, struct bytes bytes) {
    grow(file->file, offset + bytes.length);
    if (bytes.length)
        memcpy(buffer_data(&file->file->bytes) + offset, bytes.data, bytes.length);
    return 0;
}

static int memory_write_durable(struct disk_file *file, uint64_t offset, const struct bytes *pieces,
                                size_t count) {
    for (size_t i = 0; i < count; offset += pieces[i++].length)
        memory_write(file, offset, pieces[i]);
    return 0;
}

static int memory_sync(struct disk_file *file) {
    (void)file;
    return 0;
}

static int memory_remove(struct disk *door, const char *name) {
    struct memory_file *file = find(disk_of(door), name);
    if (file == NULL)
        return ERR_NOT_FOUND;
    file->name[0] = '\0';
    buffer_release(&file->bytes);
    return 0;
}

static int memory_rename(struct disk *door, const char *from, const char *to) {
    struct memory_file *file = find(disk_of(door), from);
    if (file == NULL)
        return ERR_NOT_FOUND;
    memory_remove(door, to);
    strcpy(file->name, to);
    return 0;
}

static int memory_sync_directory(struct disk *door) {
    (void)door;
    return 0;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int memory_list(struct disk *door, void (*each)(void *context, const char *name),
                       void *context) {
    const char *names[FILE_MAXIMUM];
    size_t count = 0;
    for (unsigned i = 0; i < FILE_MAXIMUM; i++)
        if (disk_of(door)->files[i].name[0])
            names[count++] = disk_of(door)->files[i].name;
    qsort(names, count, sizeof *names, by_name);
    for (size_t i = 0; i < count; i++)
        each(context, names[i]);
    return 0;
}

static void memory_submit(struct disk *door, struct disk_job *job) {
    struct disk_job **end = &disk_of(door)->jobs[job->lane];
    while (*end)
        end = &(*end)->next;
    job->next = NULL;
    *end = job;
}

static const struct disk_ops memory_ops = {.open = memory_open,
                                           .close = memory_close,
                                           .size = memory_size,
                                           .read = memory_read,
                                           .write = memory_write,
                                           .sync = memory_sync,
                                           .write_durable = memory_write_durable,
                                           .preallocate = memory_preallocate,
                                           .rename = memory_rename,
                                           .remove = memory_remove,
                                           .sync_directory = memory_sync_directory,
                                           .list = memory_list,
                                           .submit = memory_submit};

struct memory_disk *memory_disk_new(void) {
    struct memory_disk *disk = memory_allocate_zeroed(1, sizeof *disk);
    disk->door.ops = &memory_ops;
    return disk;
}

struct disk *memory_disk_door(struct memory_disk *disk) {
    return &disk->door;
}

void memory_disk_run(struct memory_disk *disk) {
    for (unsigned lane = 0; lane < DISK_LANE_COUNT; lane++) {
        struct disk_job *job;
        while ((job = disk->jobs[lane])) {
            disk->jobs[lane] = job->next;
            job->done(job, job->run(job));
        }
    }
}
