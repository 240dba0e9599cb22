#include "store/wal/recycle.h"
#include "store/wal/look.h"
#include "store/wal/space.h"
#include "store/wal/spare.h"

/* ---- made ahead of need ---- */

/* Once the current segment is half full, or has to be left, and no spare is ready. What was
 * wanting is asked for again by wal_tick(). */
void wal_start_spare(struct wal *wal) {
    bool is_ending =
        wal->position.offset > wal->file_bytes / 2 || wal->position.segment == wal->damaged_segment;
    if (is_ending && wal->spares.count == 0 && !wal->has_failed && !wal_is_wanting(wal) &&
        !wal->spares.is_running && !wal->released.is_running)
        wal_make_spare(wal);
}

static void take_made(struct wal *wal, struct wal_spare_file made) {
    wal->space.next_probe_us = 0;
    if (made.number == WAL_SPARE_RESERVE) {
        wal->space.reserve = made;
        return;
    }
    wal->space.wanting = 0;
    wal_add_spare(wal, made);
}

static void spare_done(struct disk_job *job, int status) {
    struct wal *wal = ((struct wal_spare *)(void *)job)->owner;
    struct wal_spare_file made = wal->spares.job.made;
    wal->spares.is_running = false;
    wal->spares.job.made.file = NULL;
    if (status && made.file)
        wal->options.disk->ops->close(made.file);
    if (disk_error_may_pass(status)) {
        wal_note_wanting(wal, status);
    } else if (status) {
        wal_fail(wal, status, "preallocating the next segment of the log");
        return;
    } else {
        take_made(wal, made);
    }
    wal_note_space(wal);
    wal_start_release(wal, wal->released.durable);
}

/* ---- released ones ---- */

void wal_start_release(struct wal *wal, uint64_t durable_release) {
    struct wal_release *release = &wal->released.job;
    wal->released.durable = durable_release;
    if (wal->released.is_running || wal->spares.is_running ||
        durable_release <= wal->released.below)
        return;
    bool is_damaged = wal->released.below <= wal->damaged_segment;
    size_t wanted = is_damaged ? 0 : wal->tuning.spare_count;
    release->from = wal->released.below;
    release->end = durable_release;
    release->kept_bytes = wal->tuning.segment_bytes;
    release->kept_maximum = wanted > wal->spares.count ? wanted - wal->spares.count : 0;
    release->first_spare = wal->spares.newest + 1;
    wal->released.is_running = true;
    wal->options.disk->ops->submit(wal->options.disk, &release->job);
}

static void release_done(struct disk_job *job, int status) {
    struct wal_release *release = (struct wal_release *)(void *)job;
    struct wal *wal = release->owner;
    wal->released.is_running = false;
    wal->released.below = release->end;
    if (status) {
        wal_fail(wal, status, "releasing a segment of the log");
        return;
    }
    for (size_t i = 0; i < release->kept_count; i++)
        wal_add_spare(wal, release->kept[i]);
    wal->spares.newest += release->kept_count;
    release->kept_count = 0;
    wal_note_space(wal);
    wal_start_release(wal, wal->released.durable);
    wal_start_spare(wal);
}

void wal_recycle_init(struct wal *wal) {
    struct disk *disk = wal->options.disk;
    wal->spares.job = (struct wal_spare){
        .job = {.run = wal_spare_run, .done = spare_done, .lane = DISK_LANE_BULK},
        .disk = disk,
        .owner = wal};
    wal->released.job = (struct wal_release){
        .job = {.run = wal_release_run, .done = release_done, .lane = DISK_LANE_BULK},
        .disk = disk,
        .owner = wal};
}
