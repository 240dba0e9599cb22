#include "store/wal/seal.h"
#include "base/check.h"
#include "store/wal/look.h"
#include "store/wal/spare.h"

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
    wal_record_seal_appended(record, &header, &position->chain);
    position->offset += wal_record_bytes(header.payload_bytes);
    if (header.kind == WAL_CHECKPOINT || header.kind == WAL_DIGEST)
        return;
    /* Of an entry the payload may be lent, and says nothing to the ledger. */
    bool is_entry = header.kind == WAL_ENTRY;
    struct bytes payload = is_entry ? BYTES_NONE : wal_record_payload(record, &header);
    CHECK(wal_ledger_apply(&wal->ledger, &header, payload) == 0);
    if (header.kind == WAL_RELEASE)
        wal->released.sealed = header.index;
    else
        wal->sequences.sealed++;
}

/* The ledger as of the segment before, which is durable by now. */
static void append_checkpoint(struct wal *wal) {
    struct buffer payload;
    buffer_init(&payload, WAL_PAYLOAD_MAXIMUM_BYTES);
    wal_ledger_encode_checkpoint(&wal->ledger, wal->position.chain, &payload);
    wal_record_append(&wal->round.head, WAL_CHECKPOINT, 0, 0, buffer_bytes(&payload));
    buffer_release(&payload);
}

/* What was known when the round before ended. */
static void append_digest(struct wal *wal, uint64_t first_round) {
    struct buffer payload;
    buffer_init(&payload, WAL_PAYLOAD_MAXIMUM_BYTES);
    wal_digest_encode(wal->ledger.shards, wal->ledger.shard_count, first_round, &payload);
    wal_record_append(&wal->round.head, WAL_DIGEST, 0, 0, buffer_bytes(&payload));
    buffer_release(&payload);
}

/* What stands before the records of the round. */
static void build_head(struct wal *wal) {
    bool is_start = wal->position.offset == 0;
    buffer_truncate(&wal->round.head, 0);
    if (is_start)
        append_checkpoint(wal);
    if (!wal->options.has_digests)
        return;
    if (is_start)
        wal_digest_reach_reset(&wal->round.reach);
    append_digest(wal, wal_smaller(wal->round.reach.far_round, wal->position.round));
}

void wal_plan_round(struct wal *wal, uint64_t first_bytes) {
    struct wal_round *round = &wal->round.job;
    struct wal_position *position = &wal->position;
    round->next_segment = 0;
    build_head(wal);
    bool fits = position->offset + wal->round.head.length + first_bytes <= round->file_bytes;
    if (position->offset > 0 && (!fits || wal_must_leave_segment(wal))) {
        round->next = wal_take_spare(wal);
        round->next_segment = position->segment + 1;
        position->offset = 0;
        position->is_recycled = round->next.is_recycled;
        build_head(wal);
    }
    if (position->offset == 0)
        position->life = random_next(&wal->random);
    round->needed_bytes = position->offset + wal->round.head.length + first_bytes;
}

uint64_t wal_round_capacity(const struct wal *wal) {
    const struct wal_round *round = &wal->round.job;
    uint64_t capacity = round->next_segment ? round->next.bytes : round->file_bytes;
    return capacity < round->needed_bytes ? round->needed_bytes : capacity;
}

/* The segment that the round begins. */
static void begin_segment(struct wal *wal) {
    struct wal_position *position = &wal->position;
    position->segment = wal->round.job.next_segment;
    wal->statistics.segments_recycled += position->is_recycled;
    wal_ledger_end_segment(&wal->ledger, position->record, position->chain);
    wal_ledger_begin_segment(&wal->ledger, position->segment);
}

static void seal_head(struct wal *wal, bool is_all) {
    for (size_t at = 0; at < wal->round.head.length;) {
        uint8_t *record = buffer_data(&wal->round.head) + at;
        at += wal_record_bytes_at(record);
        seal(wal, record, is_all && at == wal->round.head.length);
    }
}

static void seal_portion(struct wal *wal, const struct wal_portion *portion) {
    size_t at = portion->records;
    for (uint8_t *record; (record = wal_portion_next(portion, &at));)
        seal(wal, record, at == portion->records_end);
}

void wal_seal_round(struct wal *wal, const struct wal_portion *portion) {
    struct wal_round *round = &wal->round.job;
    struct wal_position *position = &wal->position;
    wal->round.bytes = wal->round.head.length + portion->bytes;
    round->needed_bytes = position->offset + wal->round.bytes;
    position->round++;
    if (round->next_segment)
        begin_segment(wal);
    round->offset = position->offset;
    if (position->offset == 0)
        position->chain = 0;
    if (wal->options.has_digests)
        wal_digest_reach_note(&wal->round.reach, position->round, position->offset);
    seal_head(wal, portion->bytes == 0);
    seal_portion(wal, portion);
    round->head = buffer_bytes(&wal->round.head);
    round->portion = *portion;
}

void wal_submit_round(struct wal *wal) {
    wal->round.is_running = true;
    wal_round_prepare(&wal->round.job);
    wal->round.begun_us = wal_now_us(wal);
    wal->round.idle_us = wal->round.begun_us - wal->round.ended_us;
    wal->round.job.job.is_awaited = wal->round.is_owner_idle &&
                                    wal->round.bytes <= WAL_AWAITED_BYTES &&
                                    wal_sync_us(wal) <= WAL_AWAITED_US;
    wal->round.is_owner_idle = false;
    wal->options.disk->ops->submit(wal->options.disk, &wal->round.job.job);
}
