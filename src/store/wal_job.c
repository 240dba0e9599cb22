#include "store/wal_job.h"

static int round_install(struct wal_round *round) {
    const char *name = WAL_SPARE_NAME;
    if (round->next_file == NULL) {
        name = WAL_NEXT_NAME;
        round->what = "preallocating the next segment of the log";
        int status = wal_segment_make(round->disk, name, round->next_bytes, &round->next_file);
        if (status)
            return status;
    }
    round->what = "installing the next segment of the log";
    int status = wal_segment_install(round->disk, name, round->next_segment);
    if (status)
        return status;
    if (round->file)
        round->disk->ops->close(round->file);
    round->file = round->next_file;
    round->file_bytes = round->next_bytes;
    round->next_file = NULL;
    return 0;
}

static int round_grow(struct wal_round *round) {
    if (round->needed_bytes <= round->file_bytes)
        return 0;
    round->what = "enlarging a segment of the log";
    int status = round->disk->ops->preallocate(round->file, round->needed_bytes);
    if (status == 0)
        round->file_bytes = round->needed_bytes;
    return status;
}

static int round_write(struct wal_round *round) {
    round->what = "writing to the log";
    uint64_t offset = round->offset;
    if (round->checkpoint.length) {
        int status = round->disk->ops->write(round->file, offset, round->checkpoint);
        if (status)
            return status;
        offset += round->checkpoint.length;
    }
    int status = round->disk->ops->write(round->file, offset, round->records);
    if (status)
        return status;
    round->what = "syncing the log";
    return round->disk->ops->sync(round->file);
}

int wal_round_run(struct disk_job *job) {
    struct wal_round *round = (struct wal_round *)(void *)job;
    int status = round->next_segment ? round_install(round) : 0;
    if (status == 0)
        status = round_grow(round);
    return status ? status : round_write(round);
}

int wal_spare_run(struct disk_job *job) {
    struct wal_spare *spare = (struct wal_spare *)(void *)job;
    return wal_segment_make(spare->disk, WAL_SPARE_NAME, spare->bytes, &spare->file);
}

int wal_removal_run(struct disk_job *job) {
    struct wal_removal *removal = (struct wal_removal *)(void *)job;
    for (uint64_t segment = removal->from; segment < removal->end; segment++) {
        char name[DISK_NAME_MAXIMUM];
        wal_segment_name(segment, name);
        int status = removal->disk->ops->remove(removal->disk, name);
        if (status == 0)
            status = removal->disk->ops->sync_directory(removal->disk);
        if (status)
            return status;
    }
    return 0;
}

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

int wal_segment_install(struct disk *disk, const char *name, uint64_t segment) {
    char final_name[DISK_NAME_MAXIMUM];
    wal_segment_name(segment, final_name);
    int status = disk->ops->rename(disk, name, final_name);
    return status ? status : disk->ops->sync_directory(disk);
}
