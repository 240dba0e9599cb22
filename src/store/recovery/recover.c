#include "store/recovery/recover.h"
#include "base/memory.h"
#include "base/planted.h"
#include "store/recovery/recover_segment.h"
#include "store/recovery/recovery.h"
#include "store/recovery/repair.h"
#include "store/recovery/tail.h"

static int list_segments(struct wal_recovery *recovery);
static int recover_segments(struct wal_recovery *recovery);
static int cut_where_reading_stopped(struct wal_recovery *recovery);
static int finish(struct wal_recovery *recovery);

int wal_recover(struct disk *disk, const struct log *log, const struct wal_visitor *visitor,
                struct wal_ledger *ledger, struct wal_position *position,
                struct wal_problem *problem) {
    struct wal_recovery recovery = {.disk = disk,
                                    .log = log,
                                    .visitor = visitor,
                                    .ledger = ledger,
                                    .position = position,
                                    .problem = problem};
    *position = (struct wal_position){.segment = 0};
    int status = list_segments(&recovery);
    if (status == 0)
        status = recover_segments(&recovery);
    if (status == ERR_DAMAGED && PLANTED(LOG_CUT_AT_BAD_CHECKSUM) && position->segment)
        status = cut_where_reading_stopped(&recovery);
    if (status == 0)
        status = finish(&recovery);
    memory_free(recovery.data);
    wal_listing_release(&recovery.listing);
    return status;
}

static int remove_leftover(struct wal_recovery *recovery, bool is_there, const char *name) {
    int status = is_there ? recovery->disk->ops->remove(recovery->disk, name) : 0;
    return status ? wal_recovery_failed(recovery, status, "remove", name) : 0;
}

static int list_segments(struct wal_recovery *recovery) {
    struct wal_listing *listing = &recovery->listing;
    int status = wal_listing_read(recovery->disk, listing);
    if (status == 0)
        status = wal_begin_anew(recovery->disk, listing);
    recovery->segments = listing->segments.numbers;
    recovery->segment_count = listing->segments.count;
    if (status)
        return wal_recovery_failed(recovery, status, "list", "the directory of the log");
    for (size_t i = 1; i < recovery->segment_count; i++)
        if (recovery->segments[i] != recovery->segments[i - 1] + 1)
            return wal_recovery_damaged(recovery, recovery->segments[i - 1] + 1, 0, 0,
                                        "the file is missing");
    status = remove_leftover(recovery, listing->has_spare_new, WAL_SPARE_NEW_NAME);
    return status ? status : remove_leftover(recovery, listing->has_next_new, WAL_NEXT_NEW_NAME);
}

static int recover_segments(struct wal_recovery *recovery) {
    for (; recovery->at < recovery->segment_count; recovery->at++) {
        int status = wal_recover_segment(recovery);
        if (status)
            return status;
    }
    if (recovery->segment_count == 0)
        return 0;
    int status = wal_tail_judge(recovery);
    if (status == 0)
        status = wal_tail_make_durable(recovery);
    return status ? status : wal_tail_cut(recovery);
}

static int remove_segment(struct wal_recovery *recovery, uint64_t segment) {
    char name[DISK_NAME_MAXIMUM];
    wal_segment_name(segment, name);
    int status = recovery->disk->ops->remove(recovery->disk, name);
    if (status == 0)
        status = recovery->disk->ops->sync_directory(recovery->disk);
    return status ? wal_recovery_failed(recovery, status, "remove", name) : 0;
}

/* The planted fault: forgets everything behind the first bad record, synced or not. */
static int cut_where_reading_stopped(struct wal_recovery *recovery) {
    while (recovery->segments[recovery->segment_count - 1] > recovery->position->segment) {
        int status = remove_segment(recovery, recovery->segments[--recovery->segment_count]);
        if (status)
            return status;
    }
    recovery->at = recovery->segment_count - 1;
    int status = wal_recovery_load(recovery);
    return status ? status : wal_tail_cut(recovery);
}

/* Every segment that the log itself calls needed must be here; what it calls needless is removed,
 * oldest first. */
static int finish(struct wal_recovery *recovery) {
    if (recovery->segment_count == 0)
        return 0;
    if (recovery->segments[0] > recovery->ledger->oldest_segment)
        return wal_recovery_damaged(recovery, recovery->ledger->oldest_segment, 0, 0,
                                    "the file is missing");
    for (size_t i = 0; recovery->segments[i] < recovery->ledger->oldest_segment; i++) {
        int status = remove_segment(recovery, recovery->segments[i]);
        if (status)
            return status;
    }
    for (size_t i = 0; i < recovery->ledger->shard_count; i++)
        wal_ledger_release_entries(recovery->ledger, (uint32_t)i,
                                   recovery->ledger->shards[i].snapshot_index);
    return 0;
}
