#include "base/check.h"
#include "base/planted.h"
#include "store/wal_internal.h"

static const size_t batch_kept_bytes = 1 << 20, batch_busy_bytes = 16 << 20;

static size_t record_bytes_at(const uint8_t *record) {
    struct wal_header header;
    wal_record_peek(record, &header);
    return wal_record_bytes(header.payload_bytes);
}

/* Gives the record at `record` its place, and the ledger its news. */
static void seal(struct wal *wal, uint8_t *record, bool is_last_of_round) {
    struct wal_position *position = &wal->position;
    struct wal_header header;
    wal_record_peek(record, &header);
    header.segment = position->segment;
    header.record = ++position->record;
    header.round = position->round;
    header.life = position->life;
    header.is_last_of_round = is_last_of_round;
    header.is_recycled = header.kind == WAL_CHECKPOINT && position->is_recycled;
    wal_record_seal_known(record, &header, wal_record_known(record), &position->chain);
    position->offset += wal_record_bytes(header.payload_bytes);
    if (header.kind == WAL_CHECKPOINT || header.kind == WAL_DIGEST)
        return;
    CHECK(wal_ledger_apply(&wal->ledger, &header, wal_record_payload(record, &header)) == 0);
    if (header.kind == WAL_RELEASE)
        wal->sealed_release = header.index;
    else
        wal->sealed_sequence++;
}

/* The ledger as of the segment before, which is durable by now. */
static void append_checkpoint(struct wal *wal) {
    struct buffer payload;
    buffer_init(&payload, WAL_PAYLOAD_MAXIMUM_BYTES);
    wal_ledger_encode_checkpoint(&wal->ledger, wal->position.chain, &payload);
    wal_record_append(&wal->head, WAL_CHECKPOINT, 0, 0, buffer_bytes(&payload));
    buffer_release(&payload);
}

/* What was known when the round before ended. */
static void append_digest(struct wal *wal, uint64_t first_round) {
    struct buffer payload;
    buffer_init(&payload, WAL_PAYLOAD_MAXIMUM_BYTES);
    wal_digest_encode(&wal->ledger, first_round, &payload);
    wal_record_append(&wal->head, WAL_DIGEST, 0, 0, buffer_bytes(&payload));
    buffer_release(&payload);
}

/* What stands before the records of the round. */
static void build_head(struct wal *wal) {
    bool is_start = wal->position.offset == 0;
    buffer_truncate(&wal->head, 0);
    if (is_start)
        append_checkpoint(wal);
    if (!wal->options.has_digests)
        return;
    if (is_start)
        wal_digest_reach_reset(&wal->reach);
    append_digest(wal, wal_smaller(wal->reach.far_round, wal->position.round));
}

void wal_plan_round(struct wal *wal, size_t first_bytes) {
    struct wal_round *round = &wal->round;
    struct wal_position *position = &wal->position;
    round->next_segment = 0;
    build_head(wal);
    bool fits = position->offset + wal->head.length + first_bytes <= round->file_bytes;
    if (position->offset > 0 && (!fits || wal_must_leave_segment(wal))) {
        round->next = wal_take_spare(wal);
        round->next_segment = position->segment + 1;
        position->offset = 0;
        position->is_recycled = round->next.is_recycled;
        build_head(wal);
    }
    if (position->offset == 0)
        position->life = random_next(&wal->random);
    round->needed_bytes = position->offset + wal->head.length + first_bytes;
}

uint64_t wal_round_capacity(const struct wal *wal) {
    const struct wal_round *round = &wal->round;
    uint64_t capacity = round->next_segment ? round->next.bytes : round->file_bytes;
    return capacity < round->needed_bytes ? round->needed_bytes : capacity;
}

/* How many bytes of whole records the round takes: at least the first, then what fits. */
static size_t choose_bytes(const struct wal *wal, const uint8_t *records, size_t available) {
    size_t first = record_bytes_at(records);
    size_t room = (size_t)(wal_round_capacity(wal) - (wal->round.needed_bytes - first));
    size_t limit = (size_t)wal_smaller(room, wal->tuning.round_bytes);
    size_t chosen = first;
    while (chosen < available && chosen + record_bytes_at(records + chosen) <= limit)
        chosen += record_bytes_at(records + chosen);
    return chosen;
}

void wal_seal_round(struct wal *wal, uint8_t *records, size_t bytes) {
    struct wal_round *round = &wal->round;
    round->needed_bytes = wal->position.offset + wal->head.length + bytes;
    struct wal_position *position = &wal->position;
    position->round++;
    if (round->next_segment) {
        position->segment = round->next_segment;
        wal->statistics.segments_recycled += position->is_recycled;
        wal_ledger_end_segment(&wal->ledger, position->record, position->chain);
        wal_ledger_begin_segment(&wal->ledger, position->segment);
    }
    round->offset = position->offset;
    if (position->offset == 0)
        position->chain = 0;
    if (wal->options.has_digests)
        wal_digest_reach_note(&wal->reach, position->round, position->offset);
    for (size_t at = 0; at < wal->head.length;) {
        size_t next = at + record_bytes_at(buffer_data(&wal->head) + at);
        seal(wal, buffer_data(&wal->head) + at, bytes == 0 && next == wal->head.length);
        at = next;
    }
    for (size_t at = 0; at < bytes;) {
        size_t next = at + record_bytes_at(records + at);
        seal(wal, records + at, next == bytes);
        at = next;
    }
    round->head = buffer_bytes(&wal->head);
    round->records = bytes_of(records, bytes);
    wal->round_bytes = bytes + wal->head.length;
}

/* The batch that rounds take from; turns to the gathered one when it is used up. NULL: there is
 * nothing to write. */
static struct buffer *batch_to_write(struct wal *wal) {
    struct buffer *batch = &wal->batches[!wal->gathering];
    if (wal->written_bytes < batch->length)
        return batch;
    buffer_reuse(batch, batch_kept_bytes, batch_busy_bytes);
    wal->written_bytes = 0;
    wal->is_flush_wanted = false;
    if (wal->batches[wal->gathering].length == 0)
        return NULL;
    wal->gathering = !wal->gathering;
    wal->due_us = UINT64_MAX;
    return &wal->batches[!wal->gathering];
}

void wal_start_round(struct wal *wal) {
    CHECK(!wal->is_round_running && !wal->is_round_stalled);
    struct buffer *batch = batch_to_write(wal);
    if (batch == NULL)
        return;
    uint8_t *records = buffer_data(batch) + wal->written_bytes;
    wal_plan_round(wal, record_bytes_at(records));
    size_t bytes = choose_bytes(wal, records, batch->length - wal->written_bytes);
    wal_seal_round(wal, records, bytes);
    wal->written_bytes += bytes;
    wal->is_mark = false;
    wal_submit_round(wal);
}

void wal_submit_round(struct wal *wal) {
    wal->is_round_running = true;
    wal_round_prepare(&wal->round);
    wal->round_begun_us = wal_now_us(wal);
    wal->round.job.is_awaited = wal->is_owner_idle && wal->round_bytes <= WAL_AWAITED_BYTES &&
                                wal_sync_us(wal) <= WAL_AWAITED_US;
    wal->is_owner_idle = false;
    wal->options.disk->ops->submit(wal->options.disk, &wal->round.job);
}

void wal_flush(struct wal *wal) {
    if (wal->has_failed)
        return;
    if (wal->is_round_running || wal->is_round_stalled) {
        wal->is_flush_wanted = true;
        wal->due_us = UINT64_MAX;
    } else {
        wal_start_round(wal);
    }
}

void wal_owner_idles(struct wal *wal, bool is_owner_idle) { wal->is_owner_idle = is_owner_idle; }

void wal_may_wait(struct wal *wal, uint64_t until_us) { wal->may_wait_until_us = until_us; }

void wal_flush_due(struct wal *wal, uint64_t now_us) {
    if (wal->due_us <= now_us)
        wal_flush(wal);
    else if (wal->mark_due_us <= now_us)
        wal_mark(wal);
}

uint64_t wal_due_us(const struct wal *wal) { return wal_smaller(wal->due_us, wal->mark_due_us); }

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
    bool may_start = !wal->has_failed && !wal->is_round_running && !wal->is_round_stalled;
    if (may_start && (wal_rest_bytes(wal) || wal->is_flush_wanted))
        wal_start_round(wal);
}

static void round_done(struct disk_job *job, int status) {
    struct wal_round *round = (struct wal_round *)(void *)job;
    struct wal *wal = round->owner;
    wal->is_round_running = false;
    if (round->is_full && !PLANTED(FULL_DISK_IS_FATAL) && !PLANTED(FULL_DISK_IS_FORGOTTEN)) {
        wal_stall_round(wal);
        return;
    }
    status = PLANTED(FULL_DISK_IS_FORGOTTEN) && round->is_full ? 0 : status;
    if (status) {
        wal_fail(wal, status, round->what);
        return;
    }
    if (wal->has_failed)
        return;
    wal->file_bytes = round->file_bytes;
    wal->durable_end = wal->position;
    wal->is_reserve_in_round = false;
    bool has_news = wal->sealed_sequence > wal->durable_sequence;
    wal->durable_sequence = wal->sealed_sequence;
    wal->statistics.rounds++;
    wal->statistics.bytes_written += wal->round_bytes;
    wal->statistics.last_round_us = wal_now_us(wal) - wal->round_begun_us;
    disk_score_note(&wal->score, disk_score_excess_us(disk_time_us(wal), wal->round_bytes),
                    wal->tuning.slow_disk_us);
    uint64_t durable_sequence = wal->durable_sequence;
    wal_start_release(wal, wal->sealed_release);
    wal_start_spare(wal);
    wal_note_markable(wal, !wal->is_mark);
    if (has_news)
        wal->options.on_durable(wal->options.context, durable_sequence);
    start_next_round(wal);
}

void wal_round_init(struct wal *wal) {
    wal->round =
        (struct wal_round){.job = {.run = wal_round_run, .done = round_done, .lane = DISK_LANE_LOG},
                           .disk = wal->options.disk,
                           .owner = wal};
}
