#include "store/recovery/tail.h"
#include "base/memory.h"

static const size_t zero_piece_bytes = 1 << 20;

/* Length of the segment up to its last byte that is not zero, at least `from`. */
static size_t used_bytes(const struct wal_recovery *recovery, size_t from) {
    size_t end = recovery->length;
    while (end > from && recovery->data[end - 1] == 0)
        end--;
    return end > from ? end : from;
}

static bool is_zero(const struct wal_recovery *recovery, size_t from, size_t end) {
    while (from < end && recovery->data[from] == 0)
        from++;
    return from >= end;
}

size_t wal_tail_end(const struct wal_recovery *recovery) {
    size_t offset = (size_t)recovery->position->offset, end = offset;
    if (offset > 0 && !recovery->position->is_recycled)
        return used_bytes(recovery, offset);
    size_t end_mark = offset + WAL_END_BYTES;
    if (offset > 0 && end_mark <= recovery->length && !is_zero(recovery, offset, end_mark))
        end = end_mark;
    for (size_t at = offset; at + WAL_HEADER_BYTES <= recovery->length;
         at += WAL_RECORD_ALIGNMENT_BYTES) {
        struct wal_header header;
        if (wal_header_decode(wal_recovery_bytes_from(recovery, at), &header) == 0 &&
            header.segment == recovery->position->segment &&
            (offset == 0 || wal_recovery_is_of_this_life(recovery, &header)))
            end = at + WAL_HEADER_BYTES;
    }
    return end;
}

/* The highest round of which a header verifies at `from` or behind it in the newest segment; 0 if
 * there is none. */
static uint64_t look_ahead(const struct wal_recovery *recovery, size_t from) {
    uint64_t latest = 0;
    for (size_t at = from; at + WAL_HEADER_BYTES <= recovery->length;
         at += WAL_RECORD_ALIGNMENT_BYTES) {
        struct wal_header header;
        if (wal_header_decode(wal_recovery_bytes_from(recovery, at), &header) == 0 &&
            wal_recovery_is_of_this_life(recovery, &header) && header.round > latest)
            latest = header.round;
    }
    return latest;
}

/* If the bad record's own header verifies, it says the round and how far to skip; else the record
 * before it does. */
int wal_tail_judge(struct wal_recovery *recovery) {
    const struct wal_position *position = recovery->position;
    bool is_new_round = position->offset == 0 || !recovery->is_round_open;
    uint64_t bad_round = position->round + (is_new_round ? 1 : 0);
    size_t from = position->offset + WAL_RECORD_ALIGNMENT_BYTES;
    struct wal_header header;
    bool has_header =
        wal_header_decode(wal_recovery_bytes_from(recovery, position->offset), &header) == 0 &&
        wal_recovery_is_of_this_life(recovery, &header);
    if (has_header) {
        bad_round = header.round;
        from = position->offset + wal_record_bytes(header.payload_bytes);
    }
    if (wal_is_cut_short(wal_recovery_bytes_from(recovery, 0), position->offset,
                         position->is_recycled, has_header ? &header : NULL))
        return wal_recovery_damaged(recovery, position->segment, position->offset, bad_round,
                                    WAL_CUT_SHORT);
    if (look_ahead(recovery, from) <= bad_round)
        return 0;
    return wal_recovery_damaged(recovery, position->segment, position->offset, bad_round,
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
static int write_cut_record(struct wal_recovery *recovery, struct disk_file *file) {
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
        wal_recovery_advance(recovery, &header);
    return status;
}

static int open_newest(struct wal_recovery *recovery, char name[DISK_NAME_MAXIMUM],
                       struct disk_file **file) {
    wal_segment_name(recovery->position->segment, name);
    int status = recovery->disk->ops->open(recovery->disk, name, DISK_OPEN_WRITE, file);
    return status ? wal_recovery_failed(recovery, status, "open", name) : 0;
}

int wal_tail_cut(struct wal_recovery *recovery) {
    struct wal_position *position = recovery->position;
    size_t end = wal_tail_end(recovery);
    bool is_torn = end > position->offset;
    bool is_round_cut = position->offset > 0 && recovery->is_round_open;
    if (!is_torn && !is_round_cut)
        return 0;
    char name[DISK_NAME_MAXIMUM];
    struct disk_file *file;
    int status = open_newest(recovery, name, &file);
    if (status)
        return status;
    log_line(recovery->log, LOG_WARN, "torn tail of the log cut", LOG_T("segment", name),
             LOG_F("offset", position->offset), LOG_F("bytes", end - position->offset),
             LOG_F("round", position->round));
    if (is_torn)
        status = write_zeros(recovery->disk, file, position->offset, end);
    if (status == 0 && is_round_cut)
        status = write_cut_record(recovery, file);
    recovery->disk->ops->close(file);
    return status ? wal_recovery_failed(recovery, status, "cut the torn tail of", name) : 0;
}

int wal_tail_make_durable(struct wal_recovery *recovery) {
    const struct wal_position *position = recovery->position;
    if (position->offset == 0)
        return 0;
    char name[DISK_NAME_MAXIMUM];
    struct disk_file *file;
    int status = open_newest(recovery, name, &file);
    if (status)
        return status;
    size_t end = (size_t)position->offset + WAL_END_BYTES;
    if (end > recovery->length)
        end = recovery->length;
    struct bytes used = bytes_of(recovery->data, end);
    status = recovery->disk->ops->write_durable(file, 0, &used, 1);
    recovery->disk->ops->close(file);
    return status ? wal_recovery_failed(recovery, status, "make durable what was read from", name)
                  : 0;
}
