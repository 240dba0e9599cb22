#include "store/wal_recover.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/planted.h"
#include "store/wal_repair.h"
#include "store/wal_replay.h"
#include <inttypes.h>
#include <stdio.h>

static const size_t zero_piece_bytes = 1 << 20;

struct recovery {
    struct disk *disk;
    const struct log *log;
    const struct wal_visitor *visitor;
    struct wal_ledger *ledger;
    struct wal_position *position;
    struct wal_problem *problem;

    struct wal_listing listing;
    uint64_t *segments; /* numbers of the files found, ascending; in `listing` */
    size_t segment_count, at;
    uint8_t *data; /* the segment being read */
    size_t length;

    bool is_life_known;  /* of the segment being read */
    bool is_round_open;  /* the last good record is not the last of its round */
    bool is_end_clean;   /* the segment before ended with a whole round, and nothing behind it */
    uint64_t end_offset; /* where it ended */
};

static int recover_segments(struct recovery *recovery);
static int cut_where_reading_stopped(struct recovery *recovery);
static int list_segments(struct recovery *recovery);
static int finish(struct recovery *recovery);

int wal_recover(struct disk *disk, const struct log *log, const struct wal_visitor *visitor,
                struct wal_ledger *ledger, struct wal_position *position,
                struct wal_problem *problem) {
    struct recovery recovery = {.disk = disk,
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

/* ---- what goes wrong, in words ---- */

static int report_failure(struct recovery *recovery, int status, const char *what,
                          const char *name) {
    snprintf(recovery->problem->text, sizeof recovery->problem->text,
             "cannot %s %s: %s; check the disk and the rights on the directory, then start again",
             what, name, error_text(status));
    return status;
}

static int report_damage(struct recovery *recovery, uint64_t segment, uint64_t offset,
                         uint64_t round, const char *what) {
    char name[DISK_NAME_MAXIMUM];
    wal_segment_name(segment, name);
    snprintf(recovery->problem->text, sizeof recovery->problem->text,
             "the log is damaged in %s at byte %" PRIu64 " (round %" PRIu64
             "): %s; this was durable once, so it is not cut: keep the directory for study and "
             "replace the node by a new one if its peers hold the data; trothdb check says what is "
             "readable",
             name, offset, round, what);
    return ERR_DAMAGED;
}

static int report_version(struct recovery *recovery, uint64_t segment, uint64_t offset) {
    char name[DISK_NAME_MAXIMUM];
    wal_segment_name(segment, name);
    snprintf(recovery->problem->text, sizeof recovery->problem->text,
             "%s at byte %" PRIu64
             " was written by another release than this one; start that release instead",
             name, offset);
    return ERR_VERSION;
}

/* ---- which files there are ---- */

static int remove_leftover(struct recovery *recovery, bool is_there, const char *name) {
    int status = is_there ? recovery->disk->ops->remove(recovery->disk, name) : 0;
    return status ? report_failure(recovery, status, "remove", name) : 0;
}

static int list_segments(struct recovery *recovery) {
    struct wal_listing *listing = &recovery->listing;
    int status = wal_listing_read(recovery->disk, listing);
    if (status == 0)
        status = wal_begin_anew(recovery->disk, listing);
    recovery->segments = listing->segments.numbers;
    recovery->segment_count = listing->segments.count;
    if (status)
        return report_failure(recovery, status, "list", "the directory of the log");
    for (size_t i = 1; i < recovery->segment_count; i++)
        if (recovery->segments[i] != recovery->segments[i - 1] + 1)
            return report_damage(recovery, recovery->segments[i - 1] + 1, 0, 0,
                                 "the file is missing");
    status = remove_leftover(recovery, listing->has_spare_new, WAL_SPARE_NEW_NAME);
    return status ? status : remove_leftover(recovery, listing->has_next_new, WAL_NEXT_NEW_NAME);
}

/* ---- reading one segment ---- */

static int load_segment(struct recovery *recovery) {
    char name[DISK_NAME_MAXIMUM];
    wal_segment_name(recovery->segments[recovery->at], name);
    memory_free(recovery->data);
    recovery->data = NULL;
    int status = disk_read_all(recovery->disk, name, WAL_SEGMENT_MAXIMUM_BYTES, &recovery->data,
                               &recovery->length);
    if (status)
        report_failure(recovery, status, "read", name);
    /* What the disk cannot give back is as lost as what it gives back wrong. */
    return status == ERR_IO ? ERR_DAMAGED : status;
}

static struct bytes bytes_from(const struct recovery *recovery, size_t offset) {
    if (offset >= recovery->length)
        return BYTES_NONE;
    return bytes_of(recovery->data + offset, recovery->length - offset);
}

/* Length of the segment up to its last byte that is not zero, at least `from`. */
static size_t used_bytes(const struct recovery *recovery, size_t from) {
    size_t end = recovery->length;
    while (end > from && recovery->data[end - 1] == 0)
        end--;
    return end > from ? end : from;
}

/* Was the header written in this life of the file? What stands behind the records of a recycled
 * segment verifies too, and so may what an entry holds. Where the checkpoint cannot be read the
 * life is not known, and the segment's number has to do. */
static bool is_of_this_life(const struct recovery *recovery, const struct wal_header *header) {
    const struct wal_position *position = recovery->position;
    return header->segment == position->segment &&
           (!recovery->is_life_known || header->life == position->life);
}

/* Does the record stand where the last good one leads? A round goes on, or the next one begins:
 * behind a whole round, at the start of a segment, or with the note of a cut. */
static bool is_in_place(const struct recovery *recovery, const struct wal_header *header) {
    const struct wal_position *position = recovery->position;
    bool is_start = position->offset == 0;
    bool is_next_round = is_start || !recovery->is_round_open || header->kind == WAL_CUT;
    return header->segment == position->segment && header->record == position->record + 1 &&
           header->round == position->round + (is_next_round ? 1 : 0) &&
           (header->kind == WAL_CHECKPOINT) == is_start;
}

static bool is_zero(const struct recovery *recovery, size_t from, size_t end) {
    while (from < end && recovery->data[from] == 0)
        from++;
    return from >= end;
}

/* How far behind the position something reaches that this life of the file wrote: a round that is
 * not whole, or bytes that changed. The position itself if nothing does. In a file that was made of
 * zeros that is all that is not zero. In a recycled one it is the last header of this life, or of
 * this segment where its life is yet to begin; and where the end should stand, anything else. */
static size_t remains_end(const struct recovery *recovery) {
    size_t offset = (size_t)recovery->position->offset, end = offset;
    if (offset > 0 && !recovery->position->is_recycled)
        return used_bytes(recovery, offset);
    size_t end_mark = offset + WAL_END_BYTES;
    if (offset > 0 && end_mark <= recovery->length && !is_zero(recovery, offset, end_mark))
        end = end_mark;
    for (size_t at = offset; at + WAL_HEADER_BYTES <= recovery->length;
         at += WAL_RECORD_ALIGNMENT_BYTES) {
        struct wal_header header;
        if (wal_header_decode(bytes_from(recovery, at), &header) == 0 &&
            header.segment == recovery->position->segment &&
            (offset == 0 || is_of_this_life(recovery, &header)))
            end = at + WAL_HEADER_BYTES;
    }
    return end;
}

static int take_record(struct recovery *recovery, const struct wal_header *header,
                       struct bytes payload) {
    struct wal_position *position = recovery->position;
    int status = wal_ledger_apply(recovery->ledger, header, payload);
    if (status)
        return report_damage(recovery, position->segment, position->offset, header->round,
                             "a record verifies but has a payload that nothing wrote");
    status = wal_visit_record(recovery->visitor, recovery->ledger, header, payload);
    if (status && recovery->problem->text[0] == 0)
        report_failure(recovery, status, "replay", "the log");
    return status;
}

static void advance(struct recovery *recovery, const struct wal_header *header) {
    struct wal_position *position = recovery->position;
    position->offset += wal_record_bytes(header->payload_bytes);
    position->record = header->record;
    position->round = header->round;
    position->chain = header->record_crc32c;
    recovery->is_round_open = !header->is_last_of_round;
}

/* Reads the record at the position. *is_stopped: nothing that verifies stands there. */
static int read_record(struct recovery *recovery, bool *is_stopped) {
    struct wal_position *position = recovery->position;
    struct bytes rest = bytes_from(recovery, position->offset);
    struct wal_header header;
    int status = wal_header_decode(rest, &header);
    if (status || !is_of_this_life(recovery, &header)) {
        *is_stopped = true;
        return 0;
    }
    if (!is_in_place(recovery, &header))
        return report_damage(recovery, position->segment, position->offset, position->round,
                             "a record verifies that does not belong here");
    if (!wal_record_verify(rest, &header, position->chain)) {
        *is_stopped = true;
        return 0;
    }
    status = take_record(recovery, &header, wal_record_payload(rest.data, &header));
    if (status == 0)
        advance(recovery, &header);
    return status;
}

/* The planted fault: goes on into what the file held before. */
static int believe_stale_records(struct recovery *recovery) {
    int status = 0;
    for (size_t at = (size_t)recovery->position->offset;
         at + WAL_HEADER_BYTES <= recovery->length && status == 0;
         at += WAL_RECORD_ALIGNMENT_BYTES) {
        struct bytes rest = bytes_from(recovery, at);
        struct wal_header header;
        if (wal_header_decode(rest, &header) == 0 &&
            (header.kind == WAL_STATE || header.kind == WAL_TRUNCATE) &&
            header.segment < recovery->position->segment &&
            wal_record_bytes(header.payload_bytes) <= rest.length)
            status = take_record(recovery, &header, wal_record_payload(rest.data, &header));
    }
    return status;
}

/* ---- from one segment to the next ---- */

/* The checkpoint at the start of the oldest segment is the ledger's beginning; all later ones must
 * say what the ledger knows by then, which also ties them to the record before. */
static bool take_checkpoint(struct recovery *recovery, struct bytes payload) {
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

/* The segment's own checkpoint verifies. Does it follow the segment before? */
static int enter_segment(struct recovery *recovery, const struct wal_header *header) {
    struct wal_position *position = recovery->position;
    uint64_t segment = recovery->segments[recovery->at];
    bool is_oldest = recovery->at == 0;
    if (is_oldest && segment > 1) {
        position->record = header->record - 1;
        position->round = header->round - 1;
    }
    if (!is_oldest && header->record != position->record + 1)
        return report_damage(recovery, position->segment, recovery->end_offset, position->round,
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
        return report_damage(recovery, segment, 0, header->round,
                             "its checkpoint does not follow from the segments before it");
    }
    advance(recovery, header);
    return is_oldest ? wal_visit_checkpoint(recovery->visitor, recovery->ledger) : 0;
}

/* No checkpoint verifies at the start. Only the newest segment may be so: made, and never written
 * to the end. */
static int enter_segment_without_checkpoint(struct recovery *recovery) {
    struct wal_position *position = recovery->position;
    uint64_t segment = recovery->segments[recovery->at];
    bool is_newest = recovery->at + 1 == recovery->segment_count;
    bool is_oldest = recovery->at == 0;
    if (!is_newest || (is_oldest && segment > 1))
        return report_damage(recovery, segment, 0, position->round,
                             "its checkpoint does not verify");
    if (!is_oldest && !recovery->is_end_clean)
        return report_damage(recovery, position->segment, recovery->end_offset, position->round,
                             "a record does not verify, and a later segment was made after it");
    struct wal_header header;
    position->segment = segment;
    position->offset = 0;
    position->is_recycled = true; /* it may be */
    bool has_header = wal_header_decode(bytes_from(recovery, 0), &header) == 0;
    recovery->is_life_known = has_header && header.segment == segment;
    position->life = recovery->is_life_known ? header.life : 0;
    if (has_header && header.segment >= segment && !is_in_place(recovery, &header))
        return report_damage(recovery, segment, 0, header.round,
                             "its checkpoint does not follow from the segments before it");
    wal_ledger_end_segment(recovery->ledger, position->record, position->chain);
    wal_ledger_begin_segment(recovery->ledger, segment);
    return 0;
}

static int recover_segment(struct recovery *recovery) {
    int status = load_segment(recovery);
    if (status)
        return status;
    struct wal_header header;
    struct bytes whole = bytes_from(recovery, 0);
    status = wal_header_decode(whole, &header);
    if (status == ERR_VERSION)
        return report_version(recovery, recovery->segments[recovery->at], 0);
    if (status == ERR_DAMAGED)
        return report_damage(recovery, recovery->segments[recovery->at], 0,
                             recovery->position->round, "a record verifies that nothing wrote");
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
        remains_end(recovery) == position->offset && !(recovery->is_round_open && has_room);
    return status;
}

/* ---- the end of the log: whole, torn or damaged ---- */

/* The highest round of which a header verifies at `from` or behind it in the newest segment; 0 if
 * there is none. */
static uint64_t look_ahead(const struct recovery *recovery, size_t from) {
    uint64_t latest = 0;
    for (size_t at = from; at + WAL_HEADER_BYTES <= recovery->length;
         at += WAL_RECORD_ALIGNMENT_BYTES) {
        struct wal_header header;
        if (wal_header_decode(bytes_from(recovery, at), &header) == 0 &&
            is_of_this_life(recovery, &header) && header.round > latest)
            latest = header.round;
    }
    return latest;
}

/* If the bad record's own header verifies, it says the round and how far to skip; else the record
 * before it does. */
static int judge_tail(struct recovery *recovery) {
    const struct wal_position *position = recovery->position;
    bool is_new_round = position->offset == 0 || !recovery->is_round_open;
    uint64_t bad_round = position->round + (is_new_round ? 1 : 0);
    size_t from = position->offset + WAL_RECORD_ALIGNMENT_BYTES;
    struct wal_header header;
    if (wal_header_decode(bytes_from(recovery, position->offset), &header) == 0 &&
        is_of_this_life(recovery, &header)) {
        bad_round = header.round;
        from = position->offset + wal_record_bytes(header.payload_bytes);
    }
    if (look_ahead(recovery, from) <= bad_round)
        return 0;
    return report_damage(recovery, position->segment, position->offset, bad_round,
                         "a record does not verify, and a later round was written after it");
}

static int write_zeros(struct disk *disk, struct disk_file *file, uint64_t offset, uint64_t end) {
    uint8_t *zeros = memory_allocate_zeroed(1, zero_piece_bytes);
    int status = 0;
    while (status == 0 && offset < end) {
        size_t piece = end - offset < zero_piece_bytes ? (size_t)(end - offset) : zero_piece_bytes;
        status = disk->ops->write(file, offset, bytes_of(zeros, piece));
        offset += piece;
    }
    memory_free(zeros);
    return status ? status : disk->ops->sync(file);
}

/* Ends the round that was cut, so that the next recovery knows where the next round begins, and
 * writes the end behind it. Where no record fits any more, the next round begins in the next
 * segment, which says the same. */
static int write_cut_record(struct recovery *recovery, struct disk_file *file) {
    struct wal_position *position = recovery->position;
    if (recovery->length - position->offset < WAL_HEADER_BYTES)
        return 0;
    struct buffer buffer;
    buffer_init(&buffer, WAL_HEADER_BYTES);
    wal_record_append(&buffer, WAL_CUT, 0, 0, BYTES_NONE);
    struct wal_header header = {.kind = WAL_CUT,
                                .is_last_of_round = true,
                                .segment = position->segment,
                                .record = position->record + 1,
                                .round = position->round + 1,
                                .life = position->life};
    header.record_crc32c = position->chain;
    wal_record_seal(buffer_data(&buffer), &header, &header.record_crc32c);
    static const uint8_t end[WAL_END_BYTES];
    bool has_room = recovery->length - position->offset >= WAL_HEADER_BYTES + sizeof end;
    struct bytes pieces[] = {buffer_bytes(&buffer), bytes_of(end, has_room ? sizeof end : 0)};
    int status = recovery->disk->ops->write_durable(file, position->offset, pieces, 2);
    buffer_release(&buffer);
    if (status == 0)
        advance(recovery, &header);
    return status;
}

static int cut_tail(struct recovery *recovery) {
    struct wal_position *position = recovery->position;
    size_t end = remains_end(recovery);
    bool is_torn = end > position->offset;
    bool is_round_cut = position->offset > 0 && recovery->is_round_open;
    if (!is_torn && !is_round_cut)
        return 0;
    char name[DISK_NAME_MAXIMUM];
    wal_segment_name(position->segment, name);
    log_line(recovery->log, LOG_WARN, "torn tail of the log cut", LOG_T("segment", name),
             LOG_F("offset", position->offset), LOG_F("bytes", end - position->offset),
             LOG_F("round", position->round));
    struct disk_file *file;
    int status = recovery->disk->ops->open(recovery->disk, name, DISK_OPEN_WRITE, &file);
    if (status)
        return report_failure(recovery, status, "open", name);
    if (is_torn)
        status = write_zeros(recovery->disk, file, position->offset, end);
    if (status == 0 && is_round_cut)
        status = write_cut_record(recovery, file);
    recovery->disk->ops->close(file);
    return status ? report_failure(recovery, status, "cut the torn tail of", name) : 0;
}

/* What was read may be in the kernel's memory only: a process that died between writing and syncing
 * leaves it so, and after a failed sync another one would say that all is well (fsyncgate). It is
 * about to be built upon, so it is written again, and synced. Only the newest segment can hold such
 * bytes: no round begins before the one before it is durable. */
static int make_durable(struct recovery *recovery) {
    const struct wal_position *position = recovery->position;
    if (position->offset == 0)
        return 0;
    char name[DISK_NAME_MAXIMUM];
    wal_segment_name(position->segment, name);
    struct disk_file *file;
    int status = recovery->disk->ops->open(recovery->disk, name, DISK_OPEN_WRITE, &file);
    if (status)
        return report_failure(recovery, status, "open", name);
    size_t end = (size_t)position->offset + WAL_END_BYTES;
    if (end > recovery->length)
        end = recovery->length;
    struct bytes used = bytes_of(recovery->data, end);
    status = recovery->disk->ops->write_durable(file, 0, &used, 1);
    recovery->disk->ops->close(file);
    return status ? report_failure(recovery, status, "make durable what was read from", name) : 0;
}

static int recover_segments(struct recovery *recovery) {
    for (; recovery->at < recovery->segment_count; recovery->at++) {
        int status = recover_segment(recovery);
        if (status)
            return status;
    }
    if (recovery->segment_count == 0)
        return 0;
    int status = judge_tail(recovery);
    if (status == 0)
        status = make_durable(recovery);
    return status ? status : cut_tail(recovery);
}

static int remove_segment(struct recovery *recovery, uint64_t segment) {
    char name[DISK_NAME_MAXIMUM];
    wal_segment_name(segment, name);
    int status = recovery->disk->ops->remove(recovery->disk, name);
    if (status == 0)
        status = recovery->disk->ops->sync_directory(recovery->disk);
    return status ? report_failure(recovery, status, "remove", name) : 0;
}

/* The planted fault: forgets everything behind the first bad record, synced or not. */
static int cut_where_reading_stopped(struct recovery *recovery) {
    while (recovery->segments[recovery->segment_count - 1] > recovery->position->segment) {
        int status = remove_segment(recovery, recovery->segments[--recovery->segment_count]);
        if (status)
            return status;
    }
    recovery->at = recovery->segment_count - 1;
    int status = load_segment(recovery);
    return status ? status : cut_tail(recovery);
}

/* Every segment that the log itself calls needed must be here; what it calls needless is removed,
 * oldest first. */
static int finish(struct recovery *recovery) {
    if (recovery->segment_count == 0)
        return 0;
    if (recovery->segments[0] > recovery->ledger->oldest_segment)
        return report_damage(recovery, recovery->ledger->oldest_segment, 0, 0,
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
