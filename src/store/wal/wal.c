#include "store/wal/wal.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/planted.h"
#include "store/record/segment_file.h"
#include "store/recovery/recover.h"
#include "store/recovery/repair.h"
#include "store/wal/internal.h"
#include "store/wal/look.h"
#include "store/wal/recycle.h"
#include "store/wal/round.h"
#include "store/wal/spare.h"
#include <stdio.h>

/* A batch is what was appended since the last round began: the owner bounds it by what it lets be
 * proposed. Past the limit the log fails rather than forget. */
static const size_t batch_maximum_bytes = (size_t)4 << 30;

/* ---- opening ---- */

static struct wal *wal_new(const struct wal_options *options) {
    struct wal *wal = memory_allocate_zeroed(1, sizeof *wal);
    wal->options = *options;
    wal->due_us = wal->mark_due_us = UINT64_MAX;
    random_init(&wal->random, options->seed);
    wal_ledger_init(&wal->ledger);
    disk_score_init(&wal->score);
    for (unsigned i = 0; i < 2; i++)
        wal_batch_init(&wal->batches[i], batch_maximum_bytes);
    buffer_init(&wal->round.head, batch_maximum_bytes);
    wal_tune(wal, &options->tuning);
    wal_round_init(wal);
    wal_recycle_init(wal);
    return wal;
}

static int make_first_segment(struct wal *wal) {
    struct disk *disk = wal->options.disk;
    uint64_t bytes = wal_smaller(wal->tuning.segment_bytes, WAL_HASTY_SEGMENT_BYTES);
    int status = wal_segment_make(disk, WAL_NEXT_NEW_NAME, bytes, &wal->round.job.file);
    if (status)
        return status;
    wal->round.job.file_bytes = bytes;
    wal->position.segment = 1;
    wal_ledger_begin_segment(&wal->ledger, 1);
    return wal_segment_install(disk, 1);
}

static int open_newest_segment(struct wal *wal) {
    const struct disk_ops *ops = wal->options.disk->ops;
    char name[DISK_NAME_MAXIMUM];
    wal_segment_name(wal->position.segment, name);
    int status = ops->open(wal->options.disk, name, DISK_OPEN_WRITE, &wal->round.job.file);
    if (status) {
        wal->round.job.file = NULL;
        return status;
    }
    return ops->size(wal->round.job.file, &wal->round.job.file_bytes);
}

static int open_segments(struct wal *wal, struct wal_problem *problem) {
    wal->is_new = wal->position.segment == 0;
    int status = wal->is_new ? make_first_segment(wal) : open_newest_segment(wal);
    if (status == 0)
        status = wal_find_spares(wal);
    wal->file_bytes = wal->round.job.file_bytes;
    if (status)
        snprintf(problem->text, sizeof problem->text,
                 "cannot open the newest segment of the log: %s; check the disk, its free "
                 "space and the rights on the directory, then start again",
                 error_text(status));
    return status;
}

const struct wal_repaired *wal_repaired(const struct wal *wal) { return &wal->repaired; }
bool wal_is_new(const struct wal *wal) { return wal->is_new; }

static int recover(struct wal *wal, const struct wal_visitor *visitor,
                   struct wal_problem *problem) {
    const struct wal_options *options = &wal->options;
    return wal_recover(options->disk, options->log, visitor, &wal->ledger, &wal->position, problem);
}

/* Of a log that cannot be repaired the first problem is told. */
static int recover_or_repair(struct wal *wal, const struct wal_visitor *visitor,
                             struct wal_problem *problem) {
    const struct wal_repairer *repairer = wal->options.repairer;
    const struct wal_repair_options repair = {.disk = wal->options.disk,
                                              .log = wal->options.log,
                                              .repairer = repairer,
                                              .random = &wal->random,
                                              .segment_bytes = wal->tuning.segment_bytes};
    int status = recover(wal, visitor, problem);
    wal->options.repairer = NULL;
    if (status != ERR_DAMAGED || repairer == NULL || wal_repair(&repair, &wal->repaired))
        return status;
    repairer->restart(repairer->context);
    wal_ledger_release(&wal->ledger);
    problem->text[0] = 0;
    return recover(wal, visitor, problem);
}

int wal_open(const struct wal_options *options, const struct wal_visitor *visitor, struct wal **out,
             struct wal_problem *problem) {
    struct wal *wal = wal_new(options);
    problem->text[0] = 0;
    int status = recover_or_repair(wal, visitor, problem);
    if (status == 0)
        status = open_segments(wal, problem);
    if (status) {
        wal_free(wal);
        return status;
    }
    wal->released.below = wal->released.sealed = wal->released.appended =
        wal->ledger.oldest_segment;
    wal->durable_end = wal->position;
    wal_note_markable(wal, wal->position.record > 0);
    *out = wal;
    return 0;
}

void wal_tune(struct wal *wal, const struct wal_tuning *tuning) {
    CHECK(tuning->segment_bytes >= 1024 && tuning->spare_count <= WAL_SPARE_MAXIMUM);
    wal->tuning = *tuning;
}

void wal_free(struct wal *wal) {
    wal_close_spares(wal);
    if (wal->round.job.file)
        wal->options.disk->ops->close(wal->round.job.file);
    for (unsigned i = 0; i < 2; i++)
        wal_batch_release(&wal->batches[i]);
    buffer_release(&wal->round.head);
    wal_ledger_release(&wal->ledger);
    memory_free(wal);
}

/* ---- appending ---- */

static void note_appended(struct wal *wal) {
    wal->due_us = wal_smaller(wal->due_us, wal->may_wait_until_us);
    if (wal->batches[wal->gathering].records.is_overflowed)
        wal_fail(wal, ERR_LIMIT, "gathering a batch for the log");
}

static void append(struct wal *wal, enum wal_kind kind, uint32_t shard, uint64_t index,
                   struct bytes payload) {
    if (wal->has_failed)
        return;
    wal_batch_append(&wal->batches[wal->gathering], kind, shard, index, payload);
    note_appended(wal);
}

uint64_t wal_append_entry(struct wal *wal, uint32_t shard, uint64_t index,
                          struct bytes encoded_entry) {
    append(wal, WAL_ENTRY, shard, index, encoded_entry);
    return ++wal->sequences.appended;
}

uint64_t wal_append_lent_entry(struct wal *wal, uint32_t shard, uint64_t index, struct bytes front,
                               const struct wal_lent *lent) {
    if (wal->has_failed) {
        lent->give_back(lent->owner);
    } else {
        wal_batch_append_lent(&wal->batches[wal->gathering], shard, index, front, lent);
        note_appended(wal);
    }
    return ++wal->sequences.appended;
}

uint64_t wal_append_truncate(struct wal *wal, uint32_t shard, uint64_t from_index) {
    append(wal, WAL_TRUNCATE, shard, from_index, BYTES_NONE);
    return ++wal->sequences.appended;
}

uint64_t wal_append_state(struct wal *wal, uint32_t shard, uint64_t term, uint32_t vote) {
    uint8_t payload[WAL_STATE_PAYLOAD_BYTES];
    wal_state_encode(payload, &(struct wal_state){.term = term, .vote = vote});
    append(wal, WAL_STATE, shard, 0, bytes_of(payload, sizeof payload));
    return ++wal->sequences.appended;
}

uint64_t wal_append_snapshot(struct wal *wal, uint32_t shard, uint64_t index, uint64_t term) {
    uint8_t payload[WAL_SNAPSHOT_PAYLOAD_BYTES];
    wal_snapshot_encode(payload, term);
    append(wal, WAL_SNAPSHOT, shard, index, bytes_of(payload, sizeof payload));
    return ++wal->sequences.appended;
}

uint64_t wal_append_forget(struct wal *wal, uint32_t shard, uint64_t index, uint64_t term) {
    uint8_t payload[WAL_SNAPSHOT_PAYLOAD_BYTES];
    wal_snapshot_encode(payload, term);
    append(wal, WAL_FORGET, shard, index, bytes_of(payload, sizeof payload));
    return ++wal->sequences.appended;
}

/* ---- releasing, looking in ---- */

static void release_below(struct wal *wal, uint64_t needed_from) {
    if (needed_from <= wal->released.appended)
        return;
    wal->released.appended = needed_from;
    append(wal, WAL_RELEASE, 0, needed_from, BYTES_NONE);
    if (PLANTED(RECYCLED_BEFORE_RELEASED))
        wal_start_release(wal, needed_from);
    wal_flush(wal);
}

void wal_release(struct wal *wal, uint32_t shard, uint64_t index) {
    wal_ledger_release_entries(&wal->ledger, shard, index);
    release_below(wal, wal_ledger_needed_from(&wal->ledger));
}

bool wal_oldest_holder(const struct wal *wal, unsigned segments, uint32_t *shard) {
    uint64_t needed_from = wal_ledger_needed_from(&wal->ledger);
    if (wal->position.segment - needed_from + 1 <= segments)
        return false;
    return wal_ledger_holder(&wal->ledger, needed_from, shard);
}

bool wal_at_rest_after(const struct wal *wal, uint64_t number, struct wal_at_rest *out) {
    const struct wal_segment *sealed = wal_ledger_sealed_after(&wal->ledger, number);
    const struct wal_position *end = &wal->durable_end;
    if (sealed)
        *out = (struct wal_at_rest){.number = sealed->number,
                                    .end_record = sealed->end_record,
                                    .end_crc32c = sealed->end_crc32c,
                                    .end_bytes = UINT64_MAX};
    else
        *out = (struct wal_at_rest){.number = end->segment,
                                    .end_record = end->record,
                                    .end_crc32c = end->chain,
                                    .end_bytes = end->offset & ~(uint64_t)(DISK_BLOCK_BYTES - 1)};
    return out->number > number && out->end_bytes > 0;
}

void wal_note_damage(struct wal *wal, uint64_t segment) {
    if (segment > wal->damaged_segment)
        wal->damaged_segment = segment;
    wal_start_spare(wal);
}

/* A round that says again what was said already, for the sake of the segment that it begins. */
static void leave_segment(struct wal *wal) {
    if (!wal_must_leave_segment(wal) || !wal_is_idle(wal))
        return;
    append(wal, WAL_RELEASE, 0, wal->released.appended, BYTES_NONE);
    wal_flush(wal);
}

bool wal_shed_damage(struct wal *wal, uint32_t *shard) {
    if (wal->damaged_segment < wal->released.appended)
        return false;
    uint64_t needed_from = wal_ledger_needed_from(&wal->ledger);
    if (needed_from > wal->damaged_segment)
        release_below(wal, needed_from);
    else if (wal_ledger_holder(&wal->ledger, needed_from, shard))
        return true;
    else
        leave_segment(wal); /* nobody needs it, and no other follows it */
    return false;
}
