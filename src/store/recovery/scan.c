#include "store/recovery/scan.h"
#include "base/memory.h"
#include "store/record/digest.h"

struct scan {
    struct disk *disk;
    struct wal_scanner *scanner;
    uint64_t segment;
    uint8_t *data;
    size_t length, offset;
    uint32_t chain;
    uint64_t life; /* of the segment */
    bool is_read, is_life_known, is_recycled;
    bool is_chained;    /* the record at the offset can be verified */
    bool is_round_over; /* the last record was the last of its round */
};

static void tell_gap(struct scan *scan, uint64_t segment, size_t offset, size_t bytes) {
    struct wal_gap gap = {.first_round = scan->scanner->round + scan->is_round_over,
                          .segment = segment,
                          .offset = offset,
                          .bytes = bytes};
    scan->scanner->gap(scan->scanner->context, &gap);
}

static struct bytes rest(const struct scan *scan, size_t offset) {
    return offset < scan->length ? bytes_of(scan->data + offset, scan->length - offset)
                                 : BYTES_NONE;
}

static void advance(struct scan *scan, const struct wal_header *header) {
    scan->offset += wal_record_bytes(header->payload_bytes);
    scan->chain = header->record_crc32c;
    scan->life = header->life;
    scan->is_life_known = scan->is_chained = true;
    if (header->kind == WAL_CHECKPOINT)
        scan->is_recycled = header->is_recycled;
    scan->is_round_over = header->is_last_of_round;
    scan->scanner->record_number = header->record;
    scan->scanner->round = header->round;
}

static bool is_of_segment(const struct scan *scan, const struct wal_header *header) {
    return header->segment == scan->segment && header->record > scan->scanner->record_number &&
           header->round >= scan->scanner->round &&
           (!scan->is_life_known || header->life == scan->life);
}

/* Where the next header of this segment stands at `from` or behind it; the length if nowhere. */
static size_t find_header(const struct scan *scan, size_t from) {
    for (size_t at = from; at + WAL_HEADER_BYTES <= scan->length;
         at += WAL_RECORD_ALIGNMENT_BYTES) {
        struct wal_header header;
        if (wal_header_decode(rest(scan, at), &header) == 0 && is_of_segment(scan, &header))
            return at;
    }
    return scan->length;
}

static int take_record(struct scan *scan, const struct wal_header *header) {
    struct wal_scanner *scanner = scan->scanner;
    bool is_beginning = scanner->record_number == 0 && header->kind == WAL_CHECKPOINT;
    if (!is_beginning && scan->is_chained && header->record != scanner->record_number + 1)
        tell_gap(scan, scan->segment, scan->offset, 0);
    struct bytes payload = wal_record_payload(scan->data + scan->offset, header);
    advance(scan, header);
    return scanner->record(scanner->context, header, payload);
}

/* Its header is sound and its payload is not, or nothing tells whether it is. */
static void pass_record(struct scan *scan, const struct wal_header *header) {
    tell_gap(scan, scan->segment, scan->offset, wal_record_bytes(header->payload_bytes));
    advance(scan, header);
}

/* Does it verify? A digest vouches for itself. */
static bool is_certain(const struct scan *scan, const struct wal_header *header) {
    struct wal_digest digest;
    if (scan->is_chained)
        return wal_record_verify(rest(scan, scan->offset), header, scan->chain);
    return header->kind == WAL_DIGEST &&
           wal_digest_begin(&digest, wal_record_payload(scan->data + scan->offset, header)) == 0;
}

/* False at the end of what can be read. */
static bool pass_unreadable(struct scan *scan) {
    size_t next = find_header(scan, scan->offset + WAL_RECORD_ALIGNMENT_BYTES);
    if (next == scan->length)
        return false;
    tell_gap(scan, scan->segment, scan->offset, next - scan->offset);
    scan->offset = next;
    scan->is_chained = false;
    return true;
}

static int scan_records(struct scan *scan) {
    int status = 0;
    while (status == 0 && scan->offset + WAL_HEADER_BYTES <= scan->length) {
        struct wal_header header;
        struct bytes here = rest(scan, scan->offset);
        int decoded = wal_header_decode(here, &header);
        if (decoded == ERR_VERSION)
            return ERR_VERSION;
        bool is_here = decoded == 0 && is_of_segment(scan, &header) &&
                       wal_record_bytes(header.payload_bytes) <= here.length;
        if (is_here && is_certain(scan, &header))
            status = take_record(scan, &header);
        else if (is_here)
            pass_record(scan, &header);
        else if (!pass_unreadable(scan))
            return 0;
    }
    return status;
}

static int scan_segment(struct scan *scan) {
    char name[DISK_NAME_MAXIMUM];
    wal_segment_name(scan->segment, name);
    memory_free(scan->data);
    scan->data = NULL;
    scan->length = scan->offset = 0;
    scan->chain = 0;
    scan->is_chained = true;
    scan->is_life_known = false;
    scan->is_recycled = true; /* it may be */
    int status =
        disk_read_all(scan->disk, name, WAL_SEGMENT_MAXIMUM_BYTES, &scan->data, &scan->length);
    scan->is_read = status == 0;
    if (scan->is_read)
        return scan_records(scan);
    if (status != ERR_IO)
        return status;
    /* A disk that cannot read is one that has lost what was written. */
    tell_gap(scan, scan->segment, 0, 0);
    return 0;
}

/* Of the newest segment. */
static bool is_cut_short(const struct scan *scan) {
    struct wal_header header;
    bool has_header =
        wal_header_decode(rest(scan, scan->offset), &header) == 0 && is_of_segment(scan, &header);
    return wal_is_cut_short(rest(scan, 0), scan->offset, scan->is_recycled,
                            has_header ? &header : NULL);
}

int wal_scan(struct disk *disk, const struct wal_numbers *segments, struct wal_scanner *scanner) {
    struct scan scan = {.disk = disk, .scanner = scanner};
    int status = 0;
    for (size_t i = 0; status == 0 && i < segments->count; i++) {
        if (i > 0 && segments->numbers[i] != segments->numbers[i - 1] + 1)
            tell_gap(&scan, segments->numbers[i - 1] + 1, 0, 0);
        scan.segment = segments->numbers[i];
        status = scan_segment(&scan);
    }
    if (status == 0 && scan.is_read && is_cut_short(&scan))
        status = ERR_DAMAGED;
    memory_free(scan.data);
    return status;
}
