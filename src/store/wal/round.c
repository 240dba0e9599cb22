#include "store/wal/round.h"
#include "base/check.h"
#include "base/planted.h"
#include "store/wal/look.h"
#include "store/wal/recycle.h"
#include "store/wal/seal.h"
#include "store/wal/space.h"

/* So long the newest round waits for a next one, which says the same. */
static const uint64_t mark_after_us = 50000;

/* Whole records: at least the first, then what fits. */
static struct wal_portion take_portion(struct wal *wal, struct wal_batch *batch) {
    uint64_t before = wal->round.job.needed_bytes - wal_batch_first_bytes(batch);
    uint64_t room = wal_round_capacity(wal) - before;
    return wal_batch_take(batch, wal_smaller(room, wal->tuning.round_bytes));
}

/* The batch that rounds take from; turns to the gathered one when it is used up. NULL: there is
 * nothing to write. */
static struct wal_batch *batch_to_write(struct wal *wal) {
    if (wal_rest_bytes(wal))
        return &wal->batches[!wal->gathering];
    wal->is_flush_wanted = false;
    if (wal_gathered_bytes(wal) == 0)
        return NULL;
    wal->gathering = !wal->gathering;
    wal->due_us = UINT64_MAX;
    return &wal->batches[!wal->gathering];
}

/* If there is something to write. */
static void start_round(struct wal *wal) {
    CHECK(!wal->round.is_running && !wal->round.is_stalled);
    struct wal_batch *batch = batch_to_write(wal);
    if (batch == NULL)
        return;
    wal_plan_round(wal, wal_batch_first_bytes(batch));
    struct wal_portion portion = take_portion(wal, batch);
    wal_seal_round(wal, &portion);
    wal->round.is_mark = false;
    wal_submit_round(wal);
}

void wal_flush(struct wal *wal) {
    if (wal->has_failed)
        return;
    if (wal->round.is_running || wal->round.is_stalled) {
        wal->is_flush_wanted = true;
        wal->due_us = UINT64_MAX;
    } else {
        start_round(wal);
    }
}

void wal_owner_idles(struct wal *wal, bool is_owner_idle) {
    wal->round.is_owner_idle = is_owner_idle;
}

void wal_may_wait(struct wal *wal, uint64_t until_us) { wal->may_wait_until_us = until_us; }

/* By the disk's own account where it keeps one: until its owner hears of it, an owner that is busy
 * may let much more time pass. */
static uint64_t disk_time_us(const struct wal *wal) {
    const struct disk_ops *ops = wal->options.disk->ops;
    uint64_t write_us, sync_us;
    if (ops->durable_times == NULL)
        return wal->statistics.last_round_us;
    ops->durable_times(wal->options.disk, &write_us, &sync_us);
    return write_us + sync_us;
}

/* Behind the owner's news of the round before, so that what it has to append to that goes along. */
static void start_next_round(struct wal *wal) {
    bool may_start = !wal->has_failed && !wal->round.is_running && !wal->round.is_stalled;
    if (may_start && (wal_rest_bytes(wal) || wal->is_flush_wanted))
        start_round(wal);
}

/* Without digests what is lost there could not be repaired, and nothing is gained by knowing of it.
 */
void wal_note_markable(struct wal *wal, bool is_wanted) {
    wal->mark_due_us = UINT64_MAX;
    if (is_wanted && wal->options.has_digests)
        wal->mark_due_us = wal_now_us(wal) + mark_after_us;
}

/* The owner hears of it before the next round begins. */
static void round_is_durable(struct wal *wal, const struct wal_round *round) {
    wal->file_bytes = round->file_bytes;
    wal->durable_end = wal->position;
    wal_batch_settle(&wal->batches[!wal->gathering]);
    wal->space.is_reserve_in_round = false;
    bool has_news = wal->sequences.sealed > wal->sequences.durable;
    wal->sequences.durable = wal->sequences.sealed;
    wal->statistics.rounds++;
    wal->statistics.bytes_written += wal->round.bytes;
    wal->statistics.last_round_us = wal_now_us(wal) - wal->round.begun_us;
    wal->round.ended_us = wal_now_us(wal);
    struct disk_round round_seen = {.took_us =
                                        disk_score_excess_us(disk_time_us(wal), wal->round.bytes),
                                    .idle_us = wal->round.idle_us};
    disk_score_note(&wal->score, &round_seen, wal->tuning.slow_disk_us);
    uint64_t durable_sequence = wal->sequences.durable;
    wal_start_release(wal, wal->released.sealed);
    wal_start_spare(wal);
    wal_note_markable(wal, !wal->round.is_mark);
    if (has_news)
        wal->options.on_durable(wal->options.context, durable_sequence);
    start_next_round(wal);
}

static void round_done(struct disk_job *job, int status) {
    struct wal_round *round = (struct wal_round *)(void *)job;
    struct wal *wal = round->owner;
    wal->round.is_running = false;
    if (round->wanting && !PLANTED(FULL_DISK_IS_FATAL) && !PLANTED(FULL_DISK_IS_FORGOTTEN)) {
        wal_stall_round(wal, round->wanting);
        return;
    }
    status = PLANTED(FULL_DISK_IS_FORGOTTEN) && round->wanting ? 0 : status;
    if (status) {
        wal_fail(wal, status, round->what);
        return;
    }
    if (!wal->has_failed)
        round_is_durable(wal, round);
}

void wal_round_init(struct wal *wal) {
    wal->round.job =
        (struct wal_round){.job = {.run = wal_round_run, .done = round_done, .lane = DISK_LANE_LOG},
                           .disk = wal->options.disk,
                           .owner = wal};
}
