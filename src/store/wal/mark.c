#include "store/wal/internal.h"
#include "store/wal/look.h"
#include "store/wal/seal.h"

/* There was no room for it. */
static const uint64_t mark_again_us = 1000000;

static bool is_busy(const struct wal *wal) {
    return wal->round.is_running || wal->round.is_stalled || wal_rest_bytes(wal) ||
           wal_gathered_bytes(wal);
}

/* A mark makes no segment: one that is ready may be begun with it. */
static bool has_room(const struct wal *wal) {
    size_t digest_bytes = wal_record_bytes(
        (uint32_t)(WAL_DIGEST_HEAD_BYTES + wal->ledger.shard_count * WAL_DIGEST_ROW_BYTES));
    bool fits = wal->position.offset > 0 && !wal_must_leave_segment(wal) &&
                wal->position.offset + digest_bytes <= wal->round.job.file_bytes;
    return fits || (wal->spares.count && !wal->space.is_full);
}

/* The digest again and again, until one begins in a block of the disk that holds nothing of the
 * round before: a block that is lost does not take both. */
static void repeat_digest(struct wal *wal) {
    const uint64_t mask = DISK_BLOCK_BYTES - 1;
    uint64_t start = wal->position.offset, clear = (start + mask) & ~mask;
    size_t digest_bytes = wal->round.head.length;
    for (uint64_t last = start; last < clear; last += digest_bytes) {
        if (start + wal->round.head.length + digest_bytes > wal_round_capacity(wal))
            return;
        uint8_t *copy = buffer_reserve(&wal->round.head, digest_bytes);
        memcpy(copy, buffer_data(&wal->round.head), digest_bytes);
        buffer_grew(&wal->round.head, digest_bytes);
    }
}

void wal_mark(struct wal *wal) {
    if (wal->mark_due_us == UINT64_MAX || is_busy(wal) || wal->has_failed)
        return;
    wal->mark_due_us = UINT64_MAX;
    if (!has_room(wal)) {
        wal->mark_due_us = wal_now_us(wal) + mark_again_us;
        return;
    }
    wal_plan_round(wal, 0);
    if (wal->position.offset > 0)
        repeat_digest(wal);
    wal->round.is_mark = true;
    wal->round.is_owner_idle = false;
    wal_seal_round(wal, &(struct wal_portion){.batch = NULL});
    wal_submit_round(wal);
}

void wal_flush_due(struct wal *wal, uint64_t now_us) {
    if (wal->due_us <= now_us)
        wal_flush(wal);
    else if (wal->mark_due_us <= now_us)
        wal_mark(wal);
}

/* While there is something else to write a mark is not waited for, however long that takes: a
 * deadline that has passed would have its owner look without end. */
uint64_t wal_due_us(const struct wal *wal) {
    return is_busy(wal) ? wal->due_us : wal_smaller(wal->due_us, wal->mark_due_us);
}
