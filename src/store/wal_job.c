#include "store/wal_job.h"

/* ---- a round ---- */

static int next_make(struct wal_round *round, char name[DISK_NAME_MAXIMUM]) {
    if (round->next.file) {
        wal_spare_name(round->next.number, name);
        return 0;
    }
    memcpy(name, WAL_NEXT_NEW_NAME, sizeof WAL_NEXT_NEW_NAME);
    round->what = "preallocating the next segment of the log";
    return wal_segment_make(round->disk, name, round->next.bytes, &round->next.file);
}

static int round_install(struct wal_round *round) {
    char name[DISK_NAME_MAXIMUM];
    int status = next_make(round, name);
    if (status)
        return status;
    round->what = "installing the next segment of the log";
    status = wal_segment_install(round->disk, name, round->next_segment);
    if (status)
        return status;
    if (round->file)
        round->disk->ops->close(round->file);
    round->file = round->next.file;
    round->file_bytes = round->next.bytes;
    round->next.file = NULL;
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
    static const uint8_t end[WAL_END_BYTES];
    uint64_t end_offset = round->offset + round->head.length + round->records.length;
    bool has_room = end_offset + sizeof end <= round->file_bytes;
    struct bytes pieces[WAL_ROUND_PIECES] = {round->head, round->records,
                                             bytes_of(end, has_room ? sizeof end : 0)};
    round->what = "writing to the log";
    return round->disk->ops->write_durable(round->file, round->offset, pieces, WAL_ROUND_PIECES);
}

int wal_round_run(struct disk_job *job) {
    struct wal_round *round = (struct wal_round *)(void *)job;
    int status = round->next_segment ? round_install(round) : 0;
    if (status == 0)
        status = round_grow(round);
    return status ? status : round_write(round);
}

/* ---- spares ---- */

static int rename_durably(struct disk *disk, const char *from, const char *to) {
    int status = disk->ops->rename(disk, from, to);
    return status ? status : disk->ops->sync_directory(disk);
}

int wal_spare_run(struct disk_job *job) {
    struct wal_spare *spare = (struct wal_spare *)(void *)job;
    struct wal_spare_file *made = &spare->made;
    char name[DISK_NAME_MAXIMUM];
    int status = wal_segment_make(spare->disk, WAL_SPARE_NEW_NAME, made->bytes, &made->file);
    if (status)
        return status;
    wal_spare_name(made->number, name);
    return rename_durably(spare->disk, WAL_SPARE_NEW_NAME, name);
}

/* ---- releasing ---- */

static int remove_durably(struct disk *disk, const char *name) {
    int status = disk->ops->remove(disk, name);
    return status ? status : disk->ops->sync_directory(disk);
}

/* *file is open if the segment may be kept, else NULL. */
static int open_to_keep(struct wal_release *release, const char *name, struct disk_file **file) {
    *file = NULL;
    if (release->kept_count == release->kept_maximum)
        return 0;
    uint64_t bytes;
    int status = release->disk->ops->open(release->disk, name, DISK_OPEN_WRITE, file);
    if (status) {
        *file = NULL;
        return status;
    }
    status = release->disk->ops->size(*file, &bytes);
    if (status == 0 && bytes == release->kept_bytes)
        return 0;
    release->disk->ops->close(*file);
    *file = NULL;
    return status;
}

static int release_segment(struct wal_release *release, uint64_t segment) {
    char name[DISK_NAME_MAXIMUM], spare_name[DISK_NAME_MAXIMUM];
    struct disk_file *file;
    wal_segment_name(segment, name);
    int status = open_to_keep(release, name, &file);
    if (status || file == NULL)
        return status ? status : remove_durably(release->disk, name);
    struct wal_spare_file *kept = &release->kept[release->kept_count];
    *kept = (struct wal_spare_file){.number = release->first_spare + release->kept_count,
                                    .bytes = release->kept_bytes,
                                    .file = file,
                                    .is_recycled = true};
    release->kept_count++;
    wal_spare_name(kept->number, spare_name);
    return rename_durably(release->disk, name, spare_name);
}

int wal_release_run(struct disk_job *job) {
    struct wal_release *release = (struct wal_release *)(void *)job;
    int status = 0;
    release->kept_count = 0;
    for (uint64_t segment = release->from; segment < release->end && status == 0; segment++)
        status = release_segment(release, segment);
    return status;
}

/* ---- segments ---- */

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
    return rename_durably(disk, name, final_name);
}
