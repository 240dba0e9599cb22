#include "store/record/segment_file.h"

#include "store/record/format.h"

int wal_segment_make(struct disk *disk, const char *name, uint64_t bytes, struct disk_file **file) {
    int status = disk->ops->open(disk, name, DISK_CREATE, file);
    if (status) {
        *file = NULL;
        return status;
    }
    status = disk->ops->preallocate(*file, bytes);
    if (status == 0)
        return 0;
    disk->ops->close(*file);
    *file = NULL;
    /* Gives the space back to a disk that is full; what failed first is what is reported. */
    int removed = disk->ops->remove(disk, name);
    (void)removed;
    return status;
}

int wal_segment_install(struct disk *disk, uint64_t segment) {
    char final_name[DISK_NAME_MAXIMUM];
    wal_segment_name(segment, final_name);
    int status = disk->ops->rename(disk, WAL_NEXT_NEW_NAME, final_name);
    return status ? status : disk->ops->sync_directory(disk);
}
