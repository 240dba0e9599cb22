#include "store/wal_recycle.h"
#include "store/wal_look.h"
#include "store/wal_space.h"
#include "store/wal_spare.h"

/* ---- made ahead of need ---- */

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
        wal_add_spare(wal, made);
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
        wal_add_spare(wal, release->kept[i]);
    wal->last_spare += release->kept_count;
    release->kept_count = 0;
    wal_note_space(wal);
    wal_start_release(wal, wal->durable_release);
    wal_start_spare(wal);
}

void wal_recycle_init(struct wal *wal) {
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
