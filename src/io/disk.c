#include "io/disk.h"
#include "base/memory.h"
#include <stdio.h>

static int disk_read_open(struct disk_file *file, const struct disk_ops *ops, size_t maximum_bytes,
                          uint8_t **data, size_t *length) {
    uint64_t bytes;
    int status = ops->size(file, &bytes);
    if (status)
        return status;
    if (bytes > maximum_bytes)
        return ERR_LIMIT;
    uint8_t *memory = memory_allocate((size_t)bytes);
    size_t got = 0;
    status = ops->read(file, 0, memory, (size_t)bytes, &got);
    if (status) {
        memory_free(memory);
        return status;
    }
    *data = memory;
    *length = got;
    return 0;
}

void disk_forget_cached(struct disk *disk, const char *name) {
    struct disk_file *file;
    if (disk->ops->forget_cached == NULL || disk->ops->open(disk, name, DISK_OPEN_READ, &file))
        return;
    disk->ops->forget_cached(file);
    disk->ops->close(file);
}

int disk_read_all(struct disk *disk, const char *name, size_t maximum_bytes, uint8_t **data,
                  size_t *length) {
    struct disk_file *file;
    int status = disk->ops->open(disk, name, DISK_OPEN_READ, &file);
    if (status)
        return status;
    status = disk_read_open(file, disk->ops, maximum_bytes, data, length);
    disk->ops->close(file);
    return status;
}

/* Synced. What stands under that name is removed: the half of an attempt that was broken off. */
static int write_new(struct disk *disk, const char *name, struct bytes bytes) {
    struct disk_file *file;
    int status = disk->ops->open(disk, name, DISK_CREATE, &file);
    if (status == ERR_EXISTS) {
        status = disk->ops->remove(disk, name);
        if (status == 0)
            status = disk->ops->open(disk, name, DISK_CREATE, &file);
    }
    if (status)
        return status;
    status = disk->ops->write(file, 0, bytes);
    if (status == 0)
        status = disk->ops->sync(file);
    disk->ops->close(file);
    return status;
}

int disk_write_whole(struct disk *disk, const char *name, struct bytes bytes) {
    char new_name[DISK_NAME_MAXIMUM];
    int length = snprintf(new_name, sizeof new_name, "%s.new", name);
    if (length < 0 || (size_t)length >= sizeof new_name)
        return ERR_INVALID;
    int status = write_new(disk, new_name, bytes);
    if (status == 0)
        status = disk->ops->rename(disk, new_name, name);
    if (status == 0)
        return 0;
    /* Gives the space back to a disk that is full; what failed first is what is reported. */
    int removed = disk->ops->remove(disk, new_name);
    (void)removed;
    return status;
}

int disk_write_all(struct disk *disk, const char *name, struct bytes bytes) {
    int status = disk_write_whole(disk, name, bytes);
    if (status)
        return status;
    return disk->ops->sync_directory(disk) ? ERR_IO : 0; /* whatever it failed for */
}
