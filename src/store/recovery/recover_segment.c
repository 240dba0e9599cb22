#include "store/recovery/recover_segment.h"
#include "base/planted.h"
#include "store/recovery/checkpoint.h"
#include "store/recovery/tail.h"

static int enter_segment(struct wal_recovery *recovery, const struct wal_header *header);
static int enter_segment_without_checkpoint(struct wal_recovery *recovery);
static int read_record(struct wal_recovery *recovery, bool *is_stopped);
static int believe_stale_records(struct wal_recovery *recovery);

int wal_recover_segment(struct wal_recovery *recovery) {
    int status = wal_recovery_load(recovery);
    if (status)
        return status;
    struct wal_header header;
    struct bytes whole = wal_recovery_bytes_from(recovery, 0);
    status = wal_header_decode(whole, &header);
    if (status == ERR_VERSION)
        return wal_recovery_of_other_release(recovery, recovery->segments[recovery->at], 0);
    if (status == ERR_DAMAGED)
        return wal_recovery_damaged(recovery, recovery->segments[recovery->at], 0,
                                    recovery->position->round,
                                    "a record verifies that nothing wrote");
    bool is_former = status == 0 && header.segment < recovery->segments[recovery->at];
    if (status || is_former || !wal_record_verify(whole, &header, 0))
        return enter_segment_without_checkpoint(recovery);
    status = enter_segment(recovery, &header);
    bool is_stopped = false;
    while (status == 0 && !is_stopped)
        status = read_record(recovery, &is_stopped);
    if (status == 0 && PLANTED(STALE_RECORDS_BELIEVED) && recovery->position->is_recycled)
        status = believe_stale_records(recovery);

    struct wal_position *position = recovery->position;
    bool has_room = recovery->length - position->offset >= WAL_HEADER_BYTES;
    recovery->end_offset = position->offset;
    recovery->is_end_clean =
        wal_tail_end(recovery) == position->offset && !(recovery->is_round_open && has_room);
    return status;
}

/* ---- from the segment before to this one ---- */

/* Does the record stand where the last good one leads? A round goes on, or the next one begins:
 * behind a whole round, at the start of a segment, or with the note of a cut. */
static bool is_in_place(const struct wal_recovery *recovery, const struct wal_header *header) {
    const struct wal_position *position = recovery->position;
    bool is_start = position->offset == 0;
    bool is_next_round = is_start || !recovery->is_round_open || header->kind == WAL_CUT;
    return header->segment == position->segment && header->record == position->record + 1 &&
           header->round == position->round + (is_next_round ? 1 : 0) &&
           (header->kind == WAL_CHECKPOINT) == is_start;
}

/* The checkpoint at the start of the oldest segment is the ledger's beginning; all later ones must
 * say what the ledger knows by then, which also ties them to the record before. */
static bool take_checkpoint(struct wal_recovery *recovery, struct bytes payload) {
    if (recovery->at == 0) {
        uint64_t segment = recovery->segments[0];
        wal_ledger_begin_segment(recovery->ledger, segment);
        return wal_ledger_decode_checkpoint(recovery->ledger, payload) == 0 &&
               recovery->ledger->oldest_segment <= segment;
    }
    struct buffer expected;
    buffer_init(&expected, WAL_SEGMENT_MAXIMUM_BYTES);
    wal_ledger_encode_checkpoint(recovery->ledger, recovery->position->chain, &expected);
    bool is_same = bytes_equal(buffer_bytes(&expected), payload);
    buffer_release(&expected);
    if (is_same) {
        wal_ledger_end_segment(recovery->ledger, recovery->position->record,
                               recovery->position->chain);
        wal_ledger_begin_segment(recovery->ledger, recovery->segments[recovery->at]);
    }
    return is_same;
}

static void tell_covered(const struct wal_visitor *visitor, const struct wal_ledger *ledger) {
    for (size_t i = 0; i < ledger->shard_count; i++)
        if (ledger->shards[i].snapshot_index)
            visitor->covered(visitor->context, (uint32_t)i, ledger->shards[i].snapshot_index);
}

/* The newest checkpoint that can be read has the marks of all segments before it. That they stand
 * there is found when these are read; else the log is damaged, and nothing of this reading counts.
 */
static int look_ahead(struct wal_recovery *recovery) {
    bool is_read = recovery->visitor->covered == NULL;
    int status = 0;
    for (size_t i = recovery->segment_count; i > 0 && !is_read && status == 0; i--) {
        struct wal_ledger ledger;
        wal_ledger_init(&ledger);
        status = wal_checkpoint_read(recovery->disk, recovery->segments[i - 1], &ledger, &is_read);
        if (is_read)
            tell_covered(recovery->visitor, &ledger);
        wal_ledger_release(&ledger);
    }
    return status ? wal_recovery_failed(recovery, status, "look into", "the log's newest segment")
                  : 0;
}

/* The segment's own checkpoint verifies. Does it follow the segment before? */
static int enter_segment(struct wal_recovery *recovery, const struct wal_header *header) {
    struct wal_position *position = recovery->position;
    uint64_t segment = recovery->segments[recovery->at];
    bool is_oldest = recovery->at == 0;
    if (is_oldest && segment > 1) {
        position->record = header->record - 1;
        position->round = header->round - 1;
    }
    if (!is_oldest && header->record != position->record + 1)
        return wal_recovery_damaged(
            recovery, position->segment, recovery->end_offset, position->round,
            "a record does not verify, and later segments were written after it");
    struct wal_position before = *position;
    position->segment = segment;
    position->offset = 0;
    position->life = header->life;
    position->is_recycled = header->is_recycled;
    recovery->is_life_known = true;
    bool is_sound = is_in_place(recovery, header) &&
                    take_checkpoint(recovery, wal_record_payload(recovery->data, header));
    if (!is_sound) {
        *position = before;
        return wal_recovery_damaged(recovery, segment, 0, header->round,
                                    "its checkpoint does not follow from the segments before it");
    }
    wal_recovery_advance(recovery, header);
    int status = is_oldest ? wal_visit_checkpoint(recovery->visitor, recovery->ledger) : 0;
    return is_oldest && status == 0 ? look_ahead(recovery) : status;
}

/* No checkpoint verifies at the start. Only the newest segment may be so: made, and never written
 * to the end. */
static int enter_segment_without_checkpoint(struct wal_recovery *recovery) {
    struct wal_position *position = recovery->position;
    uint64_t segment = recovery->segments[recovery->at];
    bool is_newest = recovery->at + 1 == recovery->segment_count;
    bool is_oldest = recovery->at == 0;
    if (!is_newest || (is_oldest && segment > 1))
        return wal_recovery_damaged(recovery, segment, 0, position->round,
                                    "its checkpoint does not verify");
    if (!is_oldest && !recovery->is_end_clean)
        return wal_recovery_damaged(
            recovery, position->segment, recovery->end_offset, position->round,
            "a record does not verify, and a later segment was made after it");
    struct wal_header header;
    position->segment = segment;
    position->offset = 0;
    position->is_recycled = true; /* it may be */
    bool has_header = wal_header_decode(wal_recovery_bytes_from(recovery, 0), &header) == 0;
    recovery->is_life_known = has_header && header.segment == segment;
    position->life = recovery->is_life_known ? header.life : 0;
    if (has_header && header.segment >= segment && !is_in_place(recovery, &header))
        return wal_recovery_damaged(recovery, segment, 0, header.round,
                                    "its checkpoint does not follow from the segments before it");
    wal_ledger_end_segment(recovery->ledger, position->record, position->chain);
    wal_ledger_begin_segment(recovery->ledger, segment);
    return 0;
}

/* ---- its records ---- */

static int take_record(struct wal_recovery *recovery, const struct wal_header *header,
                       struct bytes payload) {
    struct wal_position *position = recovery->position;
    int status = wal_ledger_apply(recovery->ledger, header, payload);
    if (status)
        return wal_recovery_damaged(recovery, position->segment, position->offset, header->round,
                                    "a record verifies but has a payload that nothing wrote");
    status = wal_visit_record(recovery->visitor, recovery->ledger, header, payload);
    if (status && recovery->problem->text[0] == 0)
        wal_recovery_failed(recovery, status, "replay", "the log");
    return status;
}

/* Reads the record at the position. *is_stopped: nothing that verifies stands there. */
static int read_record(struct wal_recovery *recovery, bool *is_stopped) {
    struct wal_position *position = recovery->position;
    struct bytes rest = wal_recovery_bytes_from(recovery, position->offset);
    struct wal_header header;
    int status = wal_header_decode(rest, &header);
    if (status || !wal_recovery_is_of_this_life(recovery, &header)) {
        *is_stopped = true;
        return 0;
    }
    if (!is_in_place(recovery, &header))
        return wal_recovery_damaged(recovery, position->segment, position->offset, position->round,
                                    "a record verifies that does not belong here");
    if (!wal_record_verify(rest, &header, position->chain)) {
        *is_stopped = true;
        return 0;
    }
    status = take_record(recovery, &header, wal_record_payload(rest.data, &header));
    if (status == 0)
        wal_recovery_advance(recovery, &header);
    return status;
}

/* The planted fault: goes on into what the file held before. */
static int believe_stale_records(struct wal_recovery *recovery) {
    int status = 0;
    for (size_t at = (size_t)recovery->position->offset;
         at + WAL_HEADER_BYTES <= recovery->length && status == 0;
         at += WAL_RECORD_ALIGNMENT_BYTES) {
        struct bytes rest = wal_recovery_bytes_from(recovery, at);
        struct wal_header header;
        if (wal_header_decode(rest, &header) == 0 &&
            (header.kind == WAL_STATE || header.kind == WAL_TRUNCATE) &&
            header.segment < recovery->position->segment &&
            wal_record_bytes(header.payload_bytes) <= rest.length)
            status = take_record(recovery, &header, wal_record_payload(rest.data, &header));
    }
    return status;
}
