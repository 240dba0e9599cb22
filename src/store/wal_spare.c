#include "base/check.h"
#include "base/memory.h"
#include "store/wal_internal.h"
#include "store/wal_replay.h"

/* ---- ready ones ---- */

static void add_spare(struct wal *wal, struct wal_spare_file spare) {
    CHECK(wal->spare_count < WAL_SPARE_MAXIMUM && spare.file);
    wal->spares[wal->spare_count++] = spare;
}

struct wal_spare_file wal_take_spare(struct wal *wal) {
    if (wal->spare_count == 0)
        return (struct wal_spare_file){
            .bytes = wal_smaller(wal->tuning.segment_bytes, WAL_HASTY_SEGMENT_BYTES),
            .is_recycled = true}; /* another file may take its place yet */
    struct wal_spare_file oldest = wal->spares[0];
    wal->spare_count--;
    memmove(wal->spares, wal->spares + 1, wal->spare_count * sizeof wal->spares[0]);
    return oldest;
}

void wal_close_spares(struct wal *wal) {
    for (size_t i = 0; i < wal->spare_count; i++)
        wal->options.disk->ops->close(wal->spares[i].file);
    for (size_t i = 0; i < wal->release.kept_count; i++)
        wal->options.disk->ops->close(wal->release.kept[i].file);
    struct disk_file *files[] = {wal->round.next.file, wal->spare.made.file, wal->reserve.file};
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
    bool is_wanted = wal->spare_count < wal->tuning.spare_count;
    struct wal_spare_file spare = {.number = number, .is_recycled = true};
    int status = open_found(wal, &spare, is_wanted ? wal->tuning.segment_bytes : 0);
    if (spare.file)
        add_spare(wal, spare);
    return status;
}

int wal_find_spares(struct wal *wal) {
    struct wal_listing listing;
    int status = wal_listing_read(wal->options.disk, &listing);
    for (size_t i = 0; i < listing.spares.count && status == 0; i++) {
        wal->last_spare = listing.spares.numbers[i];
        status = find_spare(wal, wal->last_spare);
    }
    wal->reserve.number = WAL_SPARE_RESERVE;
    if (status == 0 && listing.has_reserve)
        status = open_found(wal, &wal->reserve, wal->tuning.reserve_bytes);
    wal_listing_release(&listing);
    return status;
}

/* ---- made ahead of need ---- */

static void start_making(struct wal *wal, struct wal_spare_file wanted) {
    wal->spare.made = wanted;
    wal->is_spare_running = true;
    wal->options.disk->ops->submit(wal->options.disk, &wal->spare.job);
}

void wal_make_spare(struct wal *wal) {
    start_making(wal, (struct wal_spare_file){.number = ++wal->last_spare,
                                              .bytes = wal->tuning.segment_bytes});
}

void wal_make_reserve(struct wal *wal) {
    start_making(wal, (struct wal_spare_file){.number = WAL_SPARE_RESERVE,
                                              .bytes = wal->tuning.reserve_bytes});
}

/* Once the current segment is half full, or has to be left, and no spare is ready. A full disk is
 * asked by wal_tick(). */
void wal_start_spare(struct wal *wal) {
    bool is_ending =
        wal->position.offset > wal->file_bytes / 2 || wal->position.segment == wal->damaged_segment;
    if (is_ending && wal->spare_count == 0 && !wal->has_failed && !wal->is_full &&
        !wal->is_spare_running && !wal->is_release_running)
        wal_make_spare(wal);
}

static void spare_done(struct disk_job *job, int status) {
    struct wal *wal = ((struct wal_spare *)(void *)job)->owner;
    struct wal_spare_file made = wal->spare.made;
    wal->is_spare_running = false;
    wal->spare.made.file = NULL;
    if (status && made.file)
        wal->options.disk->ops->close(made.file);
    if (status == ERR_NO_SPACE) {
        wal_note_full(wal);
    } else if (status) {
        wal_fail(wal, status, "preallocating the next segment of the log");
        return;
    } else if (made.number == WAL_SPARE_RESERVE) {
        wal->reserve = made;
    } else {
        add_spare(wal, made);
    }
    wal_note_space(wal);
    wal_start_release(wal, wal->durable_release);
}

/* ---- released ones ---- */

void wal_start_release(struct wal *wal, uint64_t durable_release) {
    struct wal_release *release = &wal->release;
    wal->durable_release = durable_release;
    if (wal->is_release_running || wal->is_spare_running || durable_release <= wal->released_below)
        return;
    bool is_damaged = wal->released_below <= wal->damaged_segment;
    size_t wanted = is_damaged ? 0 : wal->tuning.spare_count;
    release->from = wal->released_below;
    release->end = durable_release;
    release->kept_bytes = wal->tuning.segment_bytes;
    release->kept_maximum = wanted > wal->spare_count ? wanted - wal->spare_count : 0;
    release->first_spare = wal->last_spare + 1;
    wal->is_release_running = true;
    wal->options.disk->ops->submit(wal->options.disk, &release->job);
}

static void release_done(struct disk_job *job, int status) {
    struct wal_release *release = (struct wal_release *)(void *)job;
    struct wal *wal = release->owner;
    wal->is_release_running = false;
    wal->released_below = release->end;
    if (status) {
        wal_fail(wal, status, "releasing a segment of the log");
        return;
    }
    for (size_t i = 0; i < release->kept_count; i++)
        add_spare(wal, release->kept[i]);
    wal->last_spare += release->kept_count;
    release->kept_count = 0;
    wal_note_space(wal);
    wal_start_release(wal, wal->durable_release);
    wal_start_spare(wal);
}

void wal_spare_init(struct wal *wal) {
    struct disk *disk = wal->options.disk;
    wal->spare = (struct wal_spare){
        .job = {.run = wal_spare_run, .done = spare_done, .lane = DISK_LANE_BULK},
        .disk = disk,
        .owner = wal};
    wal->release = (struct wal_release){
        .job = {.run = wal_release_run, .done = release_done, .lane = DISK_LANE_BULK},
        .disk = disk,
        .owner = wal};
}
