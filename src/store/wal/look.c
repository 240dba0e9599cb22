#include "store/wal/look.h"

void wal_fail(struct wal *wal, int error, const char *what) {
    if (wal->has_failed)
        return;
    wal->has_failed = true;
    log_line(wal->options.log, LOG_ERROR, "the log failed", LOG_T("step", what),
             LOG_T("error", error_text(error)));
    wal->options.on_failure(wal->options.context, error, what);
}

uint64_t wal_now_us(const struct wal *wal) {
    struct clock *clock = wal->options.clock;
    return clock ? clock->monotonic_us(clock) : 0;
}

static uint64_t waiting_us(const struct wal *wal) {
    return wal->round.is_running ? wal_now_us(wal) - wal->round.begun_us : 0;
}

uint64_t wal_sync_us(const struct wal *wal) { return disk_score_us(&wal->score, waiting_us(wal)); }

bool wal_is_slow(const struct wal *wal) {
    uint64_t excess_us = disk_score_excess_us(waiting_us(wal), wal->round.bytes);
    return disk_score_is_slow(&wal->score, excess_us, wal->tuning.slow_disk_us);
}

/* Only for a segment that is there already: a disk may be full though nobody knows it yet, and a
 * round that waits for space would be worse than one in a segment that has to go. */
bool wal_must_leave_segment(const struct wal *wal) {
    return wal->position.segment == wal->damaged_segment && wal->spares.count > 0;
}

bool wal_is_idle(const struct wal *wal) {
    return !wal->round.is_running && !wal->round.is_stalled && !wal->spares.is_running &&
           !wal->released.is_running && wal_rest_bytes(wal) == 0 && wal_gathered_bytes(wal) == 0;
}

bool wal_is_writing(const struct wal *wal) { return wal->round.is_running; }

uint64_t wal_round_begun(const struct wal *wal) { return wal->position.round; }

void wal_statistics(const struct wal *wal, struct wal_statistics *out) {
    *out = wal->statistics;
    out->segments = wal->ledger.segment_count;
    out->spares = wal->spares.count;
    out->bytes_pending = wal_gathered_bytes(wal) + wal_rest_bytes(wal) +
                         (wal->round.is_running || wal->round.is_stalled ? wal->round.bytes : 0);
}
