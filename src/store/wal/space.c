#include "store/wal/space.h"
#include "store/wal/look.h"
#include "store/wal/seal.h"
#include "store/wal/spare.h"

/* How often a full disk is asked. */
static const uint64_t probe_interval_us = 500 * 1000;

enum wal_space wal_space(const struct wal *wal) {
    if (wal->round.is_stalled)
        return WAL_SPACE_RESERVED;
    bool is_last = wal->spares.count == 0 &&
                   wal->position.offset + wal->tuning.reserve_bytes > wal->file_bytes;
    if (is_last && wal_is_wanting(wal))
        return WAL_SPACE_RESERVED;
    return wal->space.is_full ? WAL_SPACE_SHORT : WAL_SPACE_ENOUGH;
}

bool wal_is_stalled(const struct wal *wal) { return wal->round.is_stalled; }

int wal_stalled_for(const struct wal *wal) {
    return wal->round.is_stalled ? wal->round.job.wanting : 0;
}

int wal_wanting(const struct wal *wal) {
    int full_for = wal->space.is_full ? wal->space.full_for : 0;
    return wal->space.wanting ? wal->space.wanting : full_for;
}

const char *wal_wanting_text(int error) {
    switch (error) {
    case 0:
        return "nothing is wanting";
    case ERR_NO_SPACE:
        return "the disk of this node is full";
    case ERR_NO_MEMORY:
        return "the system has no memory left for the log of this node";
    default:
        return "this node may open no more files (raise its limit, LimitNOFILE or fs.file-max)";
    }
}

/* Said once, and again when it is for another reason. */
static void tell_wanting(struct wal *wal, int error) {
    log_line(wal->options.log, LOG_WARN,
             "no file can be made for the log's next segment; it is tried again",
             LOG_T("error", error_text(error)), LOG_F("segment", wal->position.segment),
             LOG_F("bytes", wal->file_bytes - wal->position.offset));
}

static void tell_full(struct wal *wal, int error) {
    log_line(wal->options.log, LOG_ERROR,
             error == ERR_NO_SPACE
                 ? "the disk is full: writes are refused until there is space again"
                 : "the log has no file to go on in: writes are refused until there is one",
             LOG_T("error", error_text(error)), LOG_F("segment", wal->position.segment),
             LOG_F("bytes", wal->file_bytes - wal->position.offset),
             LOG_F("spares", wal->spares.count));
}

static void note_full(struct wal *wal, int error) {
    bool was_full = wal->space.is_full;
    wal->space.is_full = true;
    wal->space.full_for = error;
    if (!was_full)
        tell_full(wal, error);
}

void wal_note_wanting(struct wal *wal, int error) {
    bool is_new = error != wal->space.wanting;
    wal->space.next_probe_us = wal_now_us(wal) + probe_interval_us;
    wal->space.wanting = error;
    if (error == ERR_NO_SPACE)
        note_full(wal, error);
    else if (is_new && !wal->space.is_full)
        tell_wanting(wal, error);
}

/* ---- a round without a segment ---- */

static void go_on(struct wal *wal, struct wal_spare_file next) {
    wal->round.job.next = next;
    wal->round.is_stalled = false;
    wal_submit_round(wal);
}

void wal_stall_round(struct wal *wal, int error) {
    note_full(wal, error);
    wal_note_wanting(wal, error);
    wal->round.is_stalled = true;
    bool is_in_want_of_file = wal->round.job.next_segment && wal->round.job.next.file == NULL;
    if (!is_in_want_of_file || wal->space.reserve.file == NULL)
        return;
    struct wal_spare_file reserve = wal->space.reserve;
    wal->space.reserve.file = NULL;
    wal->space.is_reserve_in_round = true;
    go_on(wal, reserve);
}

/* ---- space again ---- */

static bool is_reserve_missing(const struct wal *wal) {
    return wal->tuning.reserve_bytes > 0 && wal->space.reserve.file == NULL;
}

void wal_note_space(struct wal *wal) {
    if (wal->round.is_stalled && wal->round.job.next_segment && wal->round.job.next.file == NULL &&
        wal->spares.count > 0)
        go_on(wal, wal_take_spare(wal));
    if (!wal->space.is_full || wal->round.is_stalled || is_reserve_missing(wal) ||
        wal->spares.count == 0)
        return;
    wal->space.is_full = false;
    log_line(wal->options.log, LOG_INFO, "the log has space again: writes are taken again",
             LOG_F("segment", wal->position.segment), LOG_F("spares", wal->spares.count));
}

/* A round that waits asks first, then the reserve, then a spare. */
void wal_tick(struct wal *wal) {
    bool is_busy = wal->spares.is_running || wal->released.is_running || wal->has_failed;
    if (is_busy || wal_now_us(wal) < wal->space.next_probe_us)
        return;
    if (wal->round.is_stalled)
        go_on(wal, wal->round.job.next);
    else if (is_reserve_missing(wal) && !wal->space.is_reserve_in_round)
        wal_make_reserve(wal);
    else if (wal_is_wanting(wal) && wal->spares.count == 0)
        wal_make_spare(wal);
    else
        wal_note_space(wal);
}
