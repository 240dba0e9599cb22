#include "store/wal/spare.h"
#include "base/check.h"
#include "store/recovery/replay.h"

/* ---- ready ones ---- */

void wal_add_spare(struct wal *wal, struct wal_spare_file spare) {
    CHECK(wal->spares.count < WAL_SPARE_MAXIMUM && spare.file);
    wal->spares.files[wal->spares.count++] = spare;
}

struct wal_spare_file wal_take_spare(struct wal *wal) {
    if (wal->spares.count == 0)
        return (struct wal_spare_file){
            .bytes = wal_smaller(wal->tuning.segment_bytes, WAL_HASTY_SEGMENT_BYTES),
            .is_recycled = true}; /* another file may take its place yet */
    struct wal_spare_file oldest = wal->spares.files[0];
    wal->spares.count--;
    memmove(wal->spares.files, wal->spares.files + 1,
            wal->spares.count * sizeof wal->spares.files[0]);
    return oldest;
}

void wal_close_spares(struct wal *wal) {
    for (size_t i = 0; i < wal->spares.count; i++)
        wal->options.disk->ops->close(wal->spares.files[i].file);
    for (size_t i = 0; i < wal->released.job.kept_count; i++)
        wal->options.disk->ops->close(wal->released.job.kept[i].file);
    struct disk_file *files[] = {wal->round.job.next.file, wal->spares.job.made.file,
                                 wal->space.reserve.file};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (files[i])
            wal->options.disk->ops->close(files[i]);
}

/* Opens the file; false if it is of no use, and then it is removed. */
static int open_found(struct wal *wal, struct wal_spare_file *spare, uint64_t wanted_bytes) {
    const struct disk_ops *ops = wal->options.disk->ops;
    char name[DISK_NAME_MAXIMUM];
    wal_spare_file_name(spare, name);
    int status = ops->open(wal->options.disk, name, DISK_OPEN_WRITE, &spare->file);
    if (status) {
        spare->file = NULL;
        return status;
    }
    status = ops->size(spare->file, &spare->bytes);
    if (status == 0 && spare->bytes == wanted_bytes)
        return 0;
    ops->close(spare->file);
    spare->file = NULL;
    return status ? status : ops->remove(wal->options.disk, name);
}

/* What a spare holds is not known after a restart: it is taken for a former life. */
static int find_spare(struct wal *wal, uint64_t number) {
    bool is_wanted = wal->spares.count < wal->tuning.spare_count;
    struct wal_spare_file spare = {.number = number, .is_recycled = true};
    int status = open_found(wal, &spare, is_wanted ? wal->tuning.segment_bytes : 0);
    if (spare.file)
        wal_add_spare(wal, spare);
    return status;
}

int wal_find_spares(struct wal *wal) {
    struct wal_listing listing;
    int status = wal_listing_read(wal->options.disk, &listing);
    for (size_t i = 0; i < listing.spares.count && status == 0; i++) {
        wal->spares.newest = listing.spares.numbers[i];
        status = find_spare(wal, wal->spares.newest);
    }
    wal->space.reserve.number = WAL_SPARE_RESERVE;
    if (status == 0 && listing.has_reserve)
        status = open_found(wal, &wal->space.reserve, wal->tuning.reserve_bytes);
    wal_listing_release(&listing);
    return status;
}

/* ---- made ahead of need ---- */

static void start_making(struct wal *wal, struct wal_spare_file wanted) {
    wal->spares.job.made = wanted;
    wal->spares.is_running = true;
    wal->options.disk->ops->submit(wal->options.disk, &wal->spares.job.job);
}

void wal_make_spare(struct wal *wal) {
    start_making(wal, (struct wal_spare_file){.number = ++wal->spares.newest,
                                              .bytes = wal->tuning.segment_bytes});
}

void wal_make_reserve(struct wal *wal) {
    start_making(wal, (struct wal_spare_file){.number = WAL_SPARE_RESERVE,
                                              .bytes = wal->tuning.reserve_bytes});
}
