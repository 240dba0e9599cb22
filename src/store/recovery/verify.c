#include "store/recovery/verify.h"
#include "base/memory.h"
#include "store/recovery/replay.h"

/* How the reading stands: which record comes next, as far as that is known. */
struct reader {
    struct disk *disk;
    const struct wal_verifier *verifier;
    struct wal_verification *result;
    struct wal_ledger ledger;
    bool is_ledger_known; /* it follows from the log without a gap */

    uint64_t record, round; /* of the last record */
    uint32_t chain;         /* its record_crc32c */
    bool is_known;          /* the three above: nothing was skipped since */
    bool is_round_open;     /* it was not the last of its round */

    uint64_t segment, life;
    bool is_life_known, is_recycled; /* as the segment's checkpoint says */
    bool is_oldest, is_newest, is_gap_before;
    uint8_t *data;
    size_t length, offset;
    /* Up to the last byte that is not zero; of a recycled segment, up to the last header of this
     * life, and to what is no end. */
    size_t used;
    /* Of the segment before: where its records end, how many bytes behind them are no record, and
     * whether its last round goes on though there was room. */
    uint64_t end_offset, rest_bytes;
    bool is_end_open;
};

static void tell_bad(struct reader *reader, struct wal_bad bad) {
    reader->result->bad_count++;
    reader->verifier->bad(reader->verifier->visitor.context, &bad);
}

static void tell_bytes(struct reader *reader, size_t end, const char *what) {
    tell_bad(reader, (struct wal_bad){.segment = reader->segment,
                                      .offset = reader->offset,
                                      .bytes = end - reader->offset,
                                      .what = what});
}

static struct bytes bytes_from(const struct reader *reader, size_t offset) {
    if (offset >= reader->length)
        return BYTES_NONE;
    return bytes_of(reader->data + offset, reader->length - offset);
}

/* ---- one record ---- */

/* As recovery tells it: not what the file held in a former life, nor what an entry holds. */
static bool is_of_this_life(const struct reader *reader, const struct wal_header *header) {
    return header->segment == reader->segment &&
           (!reader->is_life_known || header->life == reader->life);
}

static bool is_in_place(const struct reader *reader, const struct wal_header *header) {
    bool is_start = reader->offset == 0;
    if (!is_of_this_life(reader, header) || (header->kind == WAL_CHECKPOINT) != is_start)
        return false;
    if (!reader->is_known)
        return header->record > reader->record && header->round >= reader->round;
    bool is_next_round = is_start || !reader->is_round_open || header->kind == WAL_CUT;
    return header->record == reader->record + 1 &&
           header->round == reader->round + (is_next_round ? 1 : 0);
}

/* Behind bytes that cannot be read the chain begins anew: the first record's own header is all that
 * vouches for it, and an entry's own checksum. */
static bool is_whole(const struct reader *reader, const struct wal_header *header) {
    struct bytes rest = bytes_from(reader, reader->offset);
    bool is_chained = reader->is_known || reader->offset == 0;
    uint32_t chain = reader->offset == 0 ? 0 : reader->chain;
    return is_chained ? wal_record_verify(rest, header, chain)
                      : wal_record_bytes(header->payload_bytes) <= rest.length;
}

static void advance(struct reader *reader, const struct wal_header *header) {
    reader->offset += wal_record_bytes(header->payload_bytes);
    reader->record = header->record;
    reader->round = header->round;
    reader->chain = header->record_crc32c;
    reader->is_round_open = !header->is_last_of_round;
    reader->is_known = true;
    reader->life = header->life;
    reader->is_life_known = true;
    reader->result->record_count++;
}

static void renew_ledger(struct reader *reader) {
    wal_ledger_release(&reader->ledger);
    wal_ledger_begin_segment(&reader->ledger, reader->segment);
}

static bool is_ledgers_checkpoint(const struct reader *reader, struct bytes payload) {
    struct buffer expected;
    buffer_init(&expected, WAL_SEGMENT_MAXIMUM_BYTES);
    wal_ledger_encode_checkpoint(&reader->ledger, reader->chain, &expected);
    bool is_same = bytes_equal(buffer_bytes(&expected), payload);
    buffer_release(&expected);
    return is_same;
}

/* What the checkpoint says holds from here on, whether or not it is what was expected. */
static int take_checkpoint(struct reader *reader, const struct wal_header *header) {
    struct bytes payload = wal_record_payload(reader->data, header);
    size_t end = wal_record_bytes(header->payload_bytes);
    if (reader->is_ledger_known && is_ledgers_checkpoint(reader, payload)) {
        wal_ledger_begin_segment(&reader->ledger, reader->segment);
        advance(reader, header);
        return 0;
    }
    if (reader->is_ledger_known)
        tell_bytes(reader, end, "its checkpoint does not follow from the segments before it");
    renew_ledger(reader);
    reader->is_ledger_known = wal_ledger_decode_checkpoint(&reader->ledger, payload) == 0 &&
                              reader->ledger.oldest_segment <= reader->segment;
    if (!reader->is_ledger_known)
        tell_bytes(reader, end, "its checkpoint verifies but holds what nothing wrote");
    advance(reader, header);
    return wal_visit_checkpoint(&reader->verifier->visitor, &reader->ledger);
}

static int take_record(struct reader *reader, const struct wal_header *header) {
    struct bytes payload = wal_record_payload(reader->data + reader->offset, header);
    reader->result->segment = reader->segment;
    reader->result->offset = reader->offset;
    if (header->kind == WAL_CHECKPOINT)
        return take_checkpoint(reader, header);
    int status = 0;
    if (wal_ledger_apply(&reader->ledger, header, payload))
        tell_bytes(reader, reader->offset + wal_record_bytes(header->payload_bytes),
                   "a record verifies but has a payload that nothing wrote");
    else
        status = wal_visit_record(&reader->verifier->visitor, &reader->ledger, header, payload);
    advance(reader, header);
    return status;
}

/* ---- where no record verifies ---- */

/* The next place at `from` or behind it where a header of this segment verifies whose round is
 * `least_round` at the least; the file's length if there is none. */
static size_t find_header(const struct reader *reader, size_t from, uint64_t least_round) {
    for (size_t at = from; at + WAL_HEADER_BYTES <= reader->length;
         at += WAL_RECORD_ALIGNMENT_BYTES) {
        struct wal_header header;
        if (wal_header_decode(bytes_from(reader, at), &header) == 0 &&
            is_of_this_life(reader, &header) && header.kind != WAL_CHECKPOINT &&
            header.record > reader->record && header.round >= least_round)
            return at;
    }
    return reader->length;
}

/* The round that the bad bytes belong to, told as recovery tells it. */
static uint64_t bad_round(const struct reader *reader) {
    bool is_new_round = reader->offset == 0 || !reader->is_round_open;
    return reader->round + (is_new_round ? 1 : 0);
}

static void note_torn(struct reader *reader) {
    size_t end = reader->used > reader->offset ? reader->used : reader->offset;
    reader->result->is_torn = true;
    reader->result->torn_segment = reader->segment;
    reader->result->torn_offset = reader->offset;
    reader->result->torn_bytes = end - reader->offset;
    reader->offset = reader->length;
}

static void skip_to(struct reader *reader, size_t offset) {
    reader->offset = offset;
    reader->is_known = reader->is_ledger_known = false;
}

/* The header is sound, so what is lost is known, and where the next record begins. */
static void skip_record(struct reader *reader, const struct wal_header *header) {
    size_t end = reader->offset + wal_record_bytes(header->payload_bytes);
    tell_bad(reader, (struct wal_bad){.segment = reader->segment,
                                      .offset = reader->offset,
                                      .bytes = (end < reader->length ? end : reader->length) -
                                               reader->offset,
                                      .what = "a record does not verify",
                                      .has_header = true,
                                      .kind = header->kind,
                                      .shard = header->shard,
                                      .index = header->index});
    reader->is_ledger_known = false;
    advance(reader, header);
}

static void skip_unreadable(struct reader *reader) {
    size_t next = find_header(reader, reader->offset + WAL_RECORD_ALIGNMENT_BYTES, 0);
    if (next == reader->length && !reader->is_newest && reader->offset > 0) {
        /* The next segment says whether a record stood here. */
        reader->rest_bytes = reader->used - reader->offset;
        reader->used = reader->offset;
        return;
    }
    bool is_tail = next == reader->length;
    tell_bytes(reader, is_tail && reader->used > reader->offset ? reader->used : next,
               reader->offset ? "no record can be read here, though later ones were written"
                              : "its checkpoint does not verify");
    skip_to(reader, next);
}

static bool is_cut_short(const struct reader *reader, const struct wal_header *header) {
    return reader->is_newest &&
           wal_is_cut_short(bytes_from(reader, 0), reader->offset, reader->is_recycled, header);
}

/* Is what stands at the offset the rest of a round that was never durable? Only at the log's end,
 * and only if no later round was written (recover.h). */
static bool is_torn_here(const struct reader *reader, const struct wal_header *header) {
    if (!reader->is_newest || (reader->offset == 0 && reader->is_oldest && reader->segment > 1))
        return false;
    uint64_t round = header ? header->round : bad_round(reader);
    size_t from = reader->offset + (header ? wal_record_bytes(header->payload_bytes)
                                           : (size_t)WAL_RECORD_ALIGNMENT_BYTES);
    return find_header(reader, from, round + 1) == reader->length;
}

static void pass_bad(struct reader *reader) {
    struct wal_header header;
    int status = wal_header_decode(bytes_from(reader, reader->offset), &header);
    bool is_ours =
        status != ERR_MALFORMED && status != ERR_VERSION && is_of_this_life(reader, &header);
    if (status == ERR_VERSION && reader->offset == 0) {
        tell_bytes(reader, reader->length,
                   "a record was written by another release; check it with that release");
        skip_to(reader, reader->length);
    } else if (is_ours && (status == ERR_DAMAGED || !is_in_place(reader, &header))) {
        tell_bytes(reader, reader->offset + WAL_HEADER_BYTES,
                   "a record verifies that does not belong here");
        skip_to(reader, find_header(reader, reader->offset + WAL_RECORD_ALIGNMENT_BYTES, 0));
    } else if (is_cut_short(reader, is_ours ? &header : NULL)) {
        tell_bytes(reader, reader->length, WAL_CUT_SHORT);
        skip_to(reader, reader->length);
    } else if (is_torn_here(reader, is_ours ? &header : NULL)) {
        note_torn(reader);
    } else if (is_ours && reader->offset > 0) {
        skip_record(reader, &header);
    } else {
        skip_unreadable(reader);
    }
}

/* ---- one segment, and from one to the next ---- */

static bool load_segment(struct reader *reader) {
    char name[DISK_NAME_MAXIMUM];
    wal_segment_name(reader->segment, name);
    memory_free(reader->data);
    reader->data = NULL;
    reader->length = reader->used = reader->offset = 0;
    int status = disk_read_all(reader->disk, name, WAL_SEGMENT_MAXIMUM_BYTES, &reader->data,
                               &reader->length);
    if (status) {
        tell_bad(reader, (struct wal_bad){.segment = reader->segment,
                                          .what = error_text(status),
                                          .error = status});
        reader->is_known = reader->is_ledger_known = false;
        return false;
    }
    reader->used = reader->length;
    while (reader->used > 0 && reader->data[reader->used - 1] == 0)
        reader->used--;
    reader->result->segment_count++;
    reader->result->bytes += reader->length;
    return true;
}

/* The segment before has a successor, whose checkpoint counts its records. */
static void judge_end_before(struct reader *reader, const struct wal_header *checkpoint) {
    bool is_complete = checkpoint && checkpoint->record == reader->record + 1;
    bool is_clean = reader->rest_bytes == 0;
    struct wal_bad bad = {.segment = reader->segment - 1,
                          .offset = reader->end_offset,
                          .bytes = is_clean ? WAL_RECORD_ALIGNMENT_BYTES : reader->rest_bytes};
    if (checkpoint && !is_complete && reader->is_known)
        bad.what = "records are missing that the next segment counts on";
    else if (checkpoint == NULL && reader->is_newest && (!is_clean || reader->is_end_open))
        bad.what = "a record does not verify, and a later segment was made after it";
    else if (!is_clean)
        bad.what = "bytes in the unused rest of a segment are not zero; no record is lost by "
                   "that, but the disk changes what was written";
    if (bad.what)
        tell_bad(reader, bad);
    if (checkpoint && !is_complete)
        reader->is_known = reader->is_ledger_known = false;
}

/* The life, if the checkpoint's header can be read, and how far what was written in it reaches. A
 * file without a checkpoint may have been recycled. */
static void learn_life(struct reader *reader, const struct wal_header *checkpoint) {
    reader->is_life_known = checkpoint != NULL;
    reader->life = checkpoint ? checkpoint->life : 0;
    reader->is_recycled = checkpoint == NULL || checkpoint->is_recycled;
    if (!reader->is_recycled)
        return;
    reader->used = 0;
    for (size_t at = 0; at + WAL_HEADER_BYTES <= reader->length; at += WAL_RECORD_ALIGNMENT_BYTES) {
        struct wal_header header;
        if (wal_header_decode(bytes_from(reader, at), &header) == 0 &&
            is_of_this_life(reader, &header))
            reader->used = at + wal_record_bytes(header.payload_bytes);
    }
    if (reader->used > reader->length)
        reader->used = reader->length;
}

static void enter_segment(struct reader *reader) {
    struct wal_header header;
    struct bytes whole = bytes_from(reader, 0);
    bool has_header = wal_header_decode(whole, &header) == 0 && header.kind == WAL_CHECKPOINT &&
                      header.segment == reader->segment;
    bool has_checkpoint = has_header && wal_record_verify(whole, &header, 0);
    learn_life(reader, has_header ? &header : NULL);
    if (!reader->is_oldest && !reader->is_gap_before)
        judge_end_before(reader, has_checkpoint ? &header : NULL);
    if (reader->is_oldest && reader->segment == 1)
        reader->is_known = true; /* record 1 of round 1 comes next */
    if (has_checkpoint)
        return;
    if (reader->is_ledger_known)
        wal_ledger_begin_segment(&reader->ledger, reader->segment);
    else
        renew_ledger(reader);
}

static int read_next(struct reader *reader) {
    struct wal_header header;
    if (wal_header_decode(bytes_from(reader, reader->offset), &header) == 0 &&
        is_in_place(reader, &header) && is_whole(reader, &header))
        return take_record(reader, &header);
    pass_bad(reader);
    return 0;
}

/* In a recycled segment the end is all that says that nothing is missing here. */
static bool has_end(const struct reader *reader) {
    static const uint8_t end[WAL_END_BYTES];
    return !reader->is_recycled || reader->offset == 0 ||
           reader->offset + sizeof end > reader->length ||
           memcmp(reader->data + reader->offset, end, sizeof end) == 0;
}

/* Made ahead of need, and never written to. */
static bool is_unused(const struct reader *reader) {
    return reader->used == 0 && reader->is_newest && !(reader->is_oldest && reader->segment > 1) &&
           !is_cut_short(reader, NULL);
}

static int verify_segment(struct reader *reader) {
    if (!load_segment(reader))
        return 0;
    enter_segment(reader);
    reader->rest_bytes = 0;
    int status = is_unused(reader) ? 0 : read_next(reader);
    while (status == 0 && reader->offset < reader->used)
        status = read_next(reader);
    if (status == 0 && !has_end(reader)) {
        reader->used = reader->offset + WAL_END_BYTES;
        pass_bad(reader);
    }
    bool is_open = reader->is_round_open && reader->is_known && reader->offset > 0;
    reader->end_offset = reader->offset;
    reader->is_end_open = is_open && reader->length - reader->offset >= WAL_HEADER_BYTES;
    if (status == 0 && reader->is_newest && is_open && !reader->result->is_torn)
        note_torn(reader);
    if (reader->verifier->progress)
        reader->verifier->progress(reader->verifier->visitor.context, reader->length);
    return status;
}

static void tell_missing(struct reader *reader, uint64_t segment) {
    tell_bad(reader, (struct wal_bad){.segment = segment, .what = "the file is missing"});
    reader->is_known = reader->is_ledger_known = false;
}

static int verify_segments(struct reader *reader, const struct wal_numbers *segments) {
    int status = 0;
    for (size_t i = 0; i < segments->count && status == 0; i++) {
        uint64_t segment = segments->numbers[i];
        reader->is_oldest = i == 0;
        reader->is_newest = i + 1 == segments->count;
        reader->is_gap_before = i > 0 && segment != segments->numbers[i - 1] + 1;
        if (reader->is_gap_before)
            tell_missing(reader, segments->numbers[i - 1] + 1);
        reader->segment = segment;
        status = verify_segment(reader);
    }
    if (status == 0 && segments->count && reader->is_ledger_known &&
        segments->numbers[0] > reader->ledger.oldest_segment)
        tell_missing(reader, reader->ledger.oldest_segment);
    return status;
}

int wal_verify(struct disk *disk, const struct wal_verifier *verifier,
               struct wal_verification *result) {
    *result = (struct wal_verification){.segment = 0};
    struct reader reader = {.disk = disk, .verifier = verifier, .result = result};
    struct wal_listing listing;
    wal_ledger_init(&reader.ledger);
    int status = wal_listing_read(disk, &listing);
    if (status == 0)
        status = verify_segments(&reader, &listing.segments);
    wal_ledger_release(&reader.ledger);
    memory_free(reader.data);
    wal_listing_release(&listing);
    return status;
}
