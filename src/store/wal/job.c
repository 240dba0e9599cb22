#include "store/wal/job.h"

#include "base/planted.h"
#include "store/record/segment_file.h"

/* ---- names ---- */

/* After a sync that failed nobody knows what is there, whatever it failed for. */
static int sync_directory(struct disk *disk) {
    return disk->ops->sync_directory(disk) ? ERR_IO : 0;
}

/* An error that may pass: nothing was done. */
static int rename_durably(struct disk *disk, const char *from, const char *to) {
    int status = disk->ops->rename(disk, from, to);
    return status ? status : sync_directory(disk);
}

/* ---- a round ---- */

/* A spare that is ready has its name already. */
static int next_make(struct wal_round *round) {
    if (round->next.file)
        return 0;
    round->what = "preallocating the next segment of the log";
    return wal_segment_make(round->disk, WAL_NEXT_NEW_NAME, round->next.bytes, &round->next.file);
}

static int round_install(struct wal_round *round) {
    char name[DISK_NAME_MAXIMUM], segment_name[DISK_NAME_MAXIMUM];
    int status = next_make(round);
    if (status)
        return status;
    round->what = "installing the next segment of the log";
    wal_spare_file_name(&round->next, name);
    wal_segment_name(round->next_segment, segment_name);
    status = rename_durably(round->disk, name, segment_name);
    if (status)
        return status;
    if (round->file)
        round->disk->ops->close(round->file);
    round->file = round->next.file;
    round->file_bytes = round->next.bytes;
    round->next.file = NULL;
    round->next_segment = 0;
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

static void round_gather(struct wal_round *round) {
    static const uint8_t end[WAL_END_BYTES];
    uint64_t end_offset = round->offset + round->head.length + round->portion.bytes;
    bool has_room = end_offset + sizeof end <= round->file_bytes;
    size_t count = 1 + wal_portion_pieces(&round->portion, round->pieces + 1);
    round->pieces[0] = round->head;
    round->pieces[count++] = bytes_of(end, has_room ? sizeof end : 0);
    round->write = (struct disk_write){
        .file = round->file, .offset = round->offset, .pieces = round->pieces, .count = count};
    round->what = "writing to the log";
}

static int round_write(struct wal_round *round) {
    round_gather(round);
    const struct disk_write *write = &round->write;
    return round->disk->ops->write_durable(write->file, write->offset, write->pieces, write->count);
}

void wal_round_prepare(struct wal_round *round) {
    bool is_plain = round->next_segment == 0 && round->needed_bytes <= round->file_bytes;
    round->wanting = 0;
    round->what = "handing a round to the disk";
    round->job.write = is_plain ? &round->write : NULL;
    if (is_plain)
        round_gather(round);
}

int wal_round_run(struct disk_job *job) {
    struct wal_round *round = (struct wal_round *)(void *)job;
    int status = round->next_segment ? round_install(round) : 0;
    if (status == 0)
        status = round_grow(round);
    round->wanting = disk_error_may_pass(status) ? status : 0;
    status = status ? status : round_write(round);
    return PLANTED(WRITE_ERROR_IGNORED) && status == ERR_IO ? 0 : status;
}

/* ---- spares ---- */

void wal_spare_file_name(const struct wal_spare_file *spare, char out[DISK_NAME_MAXIMUM]) {
    if (spare->number == WAL_SPARE_RESERVE)
        memcpy(out, WAL_RESERVE_NAME, sizeof WAL_RESERVE_NAME);
    else if (spare->number == 0)
        memcpy(out, WAL_NEXT_NEW_NAME, sizeof WAL_NEXT_NEW_NAME);
    else
        wal_spare_name(spare->number, out);
}

int wal_spare_run(struct disk_job *job) {
    struct wal_spare *spare = (struct wal_spare *)(void *)job;
    struct wal_spare_file *made = &spare->made;
    char name[DISK_NAME_MAXIMUM];
    int status = wal_segment_make(spare->disk, WAL_SPARE_NEW_NAME, made->bytes, &made->file);
    if (status)
        return status;
    wal_spare_file_name(made, name);
    status = rename_durably(spare->disk, WAL_SPARE_NEW_NAME, name);
    if (!disk_error_may_pass(status))
        return status;
    spare->disk->ops->close(made->file);
    made->file = NULL;
    int removed = spare->disk->ops->remove(spare->disk, WAL_SPARE_NEW_NAME);
    return removed ? ERR_IO : status; /* its name would be in the way of the next one */
}

/* ---- releasing ---- */

static int remove_durably(struct disk *disk, const char *name) {
    int status = disk->ops->remove(disk, name);
    return status ? status : sync_directory(disk);
}

/* *file is open if the segment may be kept, else NULL: also where it cannot be opened just now. */
static int open_to_keep(struct wal_release *release, const char *name, struct disk_file **file) {
    *file = NULL;
    if (release->kept_count == release->kept_maximum)
        return 0;
    uint64_t bytes;
    int status = release->disk->ops->open(release->disk, name, DISK_OPEN_WRITE, file);
    if (status) {
        *file = NULL;
        return disk_error_may_pass(status) ? 0 : status;
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
    wal_spare_name(kept->number, spare_name);
    status = rename_durably(release->disk, name, spare_name);
    release->kept_count += status == 0;
    if (status)
        release->disk->ops->close(file);
    /* A full disk may have no room for the new name; it always has for one name less. */
    return disk_error_may_pass(status) ? remove_durably(release->disk, name) : status;
}

int wal_release_run(struct disk_job *job) {
    struct wal_release *release = (struct wal_release *)(void *)job;
    int status = 0;
    release->kept_count = 0;
    for (uint64_t segment = release->from; segment < release->end && status == 0; segment++)
        status = release_segment(release, segment);
    return status;
}
