#include "store/recovery/repair.h"
#include "base/memory.h"
#include "store/record/segment_file.h"
#include "store/recovery/scan.h"
#include "store/recovery/survivor.h"
#include <inttypes.h>
#include <stdio.h>

struct repair {
    struct disk *disk;
    const struct log *log;
    const struct wal_repairer *repairer;
    struct wal_repaired *result;
    struct wal_survivor *shards; /* by shard */
    size_t shard_count;
    bool is_in_doubt; /* a shard that is not known yet may have lost records since: */
    uint64_t doubt_round;
};

/* ---- reading ---- */

static struct wal_survivor *survivor_of(struct repair *repair, uint32_t shard) {
    if (shard >= repair->shard_count) {
        size_t count = (size_t)shard + 1;
        repair->shards = memory_resize(repair->shards, count * sizeof repair->shards[0]);
        for (size_t i = repair->shard_count; i < count; i++) {
            wal_survivor_init(&repair->shards[i], repair->repairer->entry_term);
            if (repair->is_in_doubt)
                wal_survivor_gap(&repair->shards[i], repair->doubt_round);
        }
        repair->shard_count = count;
    }
    return &repair->shards[shard];
}

static void on_gap(void *context, const struct wal_gap *gap) {
    struct repair *repair = context;
    char name[DISK_NAME_MAXIMUM];
    wal_segment_name(gap->segment, name);
    log_line(repair->log, LOG_ERROR, "the log is damaged", LOG_T("segment", name),
             LOG_F("offset", gap->offset), LOG_F("bytes", gap->bytes),
             LOG_F("round", gap->first_round));
    if (repair->result->gap_count++ == 0) {
        repair->result->segment = gap->segment;
        repair->result->offset = gap->offset;
    }
    if (!repair->is_in_doubt || gap->first_round < repair->doubt_round)
        repair->doubt_round = gap->first_round;
    repair->is_in_doubt = true;
    for (size_t i = 0; i < repair->shard_count; i++)
        wal_survivor_gap(&repair->shards[i], gap->first_round);
}

static int take_digest(struct repair *repair, struct bytes payload) {
    struct wal_digest digest;
    struct wal_digest_row row;
    if (wal_digest_begin(&digest, payload))
        return ERR_DAMAGED;
    uint32_t next = 0;
    while (wal_digest_next(&digest, &row)) {
        survivor_of(repair, row.shard);
        for (; next < row.shard; next++)
            wal_survivor_digest(&repair->shards[next], digest.first_round, NULL);
        wal_survivor_digest(&repair->shards[next++], digest.first_round, &row.known);
    }
    for (; next < repair->shard_count; next++)
        wal_survivor_digest(&repair->shards[next], digest.first_round, NULL);
    if (digest.first_round <= repair->doubt_round)
        repair->is_in_doubt = false;
    return 0;
}

static int on_record(void *context, const struct wal_header *header, struct bytes payload) {
    struct repair *repair = context;
    if (header->kind == WAL_DIGEST)
        return take_digest(repair, payload);
    if (!wal_kind_is_of_shard(header->kind))
        return 0;
    return wal_survivor_record(survivor_of(repair, header->shard), header, payload) ? ERR_DAMAGED
                                                                                    : 0;
}

/* ---- judging ---- */

static int refuse(const struct repair *repair, size_t shard, const char *why) {
    log_line(repair->log, LOG_ERROR, "the log cannot be repaired", LOG_F("shard", shard),
             LOG_T("reason", why));
    return ERR_DAMAGED;
}

static int judge(struct repair *repair) {
    for (size_t i = 0; i < repair->shard_count; i++) {
        struct wal_survivor *survivor = &repair->shards[i];
        if (survivor->is_in_doubt)
            return refuse(repair, i, "what it promised last cannot be known");
        if (!wal_survivor_finish(survivor))
            continue;
        if (!repair->repairer->may_lose(repair->repairer->context, (uint32_t)i))
            return refuse(repair, i, "no other node has a replica of it");
        repair->result->shard_count++;
        log_line(repair->log, LOG_WARN, "entries of a replica are lost here; its peers have them",
                 LOG_F("shard", i), LOG_F("kept", survivor->prefix.count),
                 LOG_F("index", survivor->known.floor_index),
                 LOG_F("term", survivor->known.floor_term));
    }
    if (repair->is_in_doubt)
        return refuse(repair, repair->shard_count,
                      "which replicas stood in it, and what they promised, cannot be known");
    bool has_found = repair->result->gap_count || repair->result->shard_count;
    return has_found ? 0 : refuse(repair, 0, "nothing in it says what is missing");
}

/* ---- writing ---- */

static void seal_all(struct buffer *records, struct wal_header *place) {
    uint32_t chain = 0;
    for (size_t at = 0; at < records->length;) {
        uint8_t *record = buffer_data(records) + at;
        struct wal_header header;
        wal_record_peek(record, &header);
        at += wal_record_bytes(header.payload_bytes);
        place->payload_bytes = header.payload_bytes;
        place->is_last_of_round = at == records->length;
        place->record++;
        wal_record_seal(record, place, &chain);
    }
}

static void append_known(const struct repair *repair, uint64_t segment, struct buffer *out) {
    struct wal_ledger ledger;
    struct buffer payload;
    wal_ledger_init(&ledger);
    wal_ledger_begin_segment(&ledger, segment);
    ledger.shard_count = repair->shard_count;
    ledger.shards = memory_allocate_zeroed(repair->shard_count + 1, sizeof ledger.shards[0]);
    for (size_t i = 0; i < repair->shard_count; i++) {
        ledger.shards[i] = repair->shards[i].known;
        ledger.shards[i].record_count = 0;
        ledger.shards[i].end_index = ledger.shards[i].snapshot_index;
    }
    buffer_init(&payload, WAL_PAYLOAD_MAXIMUM_BYTES);
    wal_ledger_encode_checkpoint(&ledger, 0, &payload);
    wal_record_append(out, WAL_CHECKPOINT, 0, 0, buffer_bytes(&payload));
    buffer_truncate(&payload, 0);
    wal_digest_encode(&ledger, 0, &payload);
    wal_record_append(out, WAL_DIGEST, 0, 0, buffer_bytes(&payload));
    buffer_release(&payload);
    wal_ledger_release(&ledger);
}

static int write_segment(const struct repair *repair, struct wal_header *place) {
    struct buffer records;
    struct disk_file *file;
    buffer_init(&records, WAL_SEGMENT_MAXIMUM_BYTES);
    append_known(repair, place->segment, &records);
    for (size_t i = 0; i < repair->shard_count; i++)
        for (size_t k = 0; k < repair->shards[i].prefix.count; k++) {
            const struct wal_kept *kept = &repair->shards[i].prefix.entries[k];
            wal_record_append(&records, WAL_ENTRY, (uint32_t)i, kept->index,
                              bytes_of(kept->data, kept->length));
        }
    int status = records.is_overflowed ? ERR_LIMIT : 0;
    if (status == 0) {
        seal_all(&records, place);
        status = wal_segment_make(repair->disk, WAL_NEXT_NEW_NAME, records.length, &file);
    }
    if (status == 0) {
        struct bytes all = buffer_bytes(&records);
        status = repair->disk->ops->write_durable(file, 0, &all, 1);
        repair->disk->ops->close(file);
        if (status == 0)
            status = wal_segment_install(repair->disk, WAL_NEXT_NEW_NAME, place->segment);
    }
    buffer_release(&records);
    return status;
}

static int repair_log(struct repair *repair, const struct wal_numbers *segments, uint64_t life) {
    struct wal_scanner scanner = {.gap = on_gap, .record = on_record, .context = repair};
    int status = wal_scan(repair->disk, segments, &scanner);
    if (status == 0)
        status = judge(repair);
    if (status)
        return status;
    struct wal_header place = {.segment = segments->numbers[segments->count - 1] + 1,
                               .record = scanner.record_number,
                               .round = scanner.round + 1,
                               .life = life};
    return write_segment(repair, &place);
}

int wal_repair(struct disk *disk, const struct log *log, const struct wal_repairer *repairer,
               uint64_t life, struct wal_repaired *out) {
    *out = (struct wal_repaired){.gap_count = 0};
    struct repair repair = {
        .disk = disk, .log = log, .repairer = repairer, .result = out, .is_in_doubt = true};
    struct wal_listing listing;
    int status = wal_listing_read(disk, &listing);
    if (status == 0)
        status = wal_begin_anew(disk, &listing);
    if (status == 0 && listing.segments.count)
        status = repair_log(&repair, &listing.segments, life);
    for (size_t i = 0; i < repair.shard_count; i++)
        wal_survivor_release(&repair.shards[i]);
    memory_free(repair.shards);
    wal_listing_release(&listing);
    return status;
}

/* ---- where a repaired log begins ---- */

/* The payload of the segment's first record if that is a checkpoint that verifies. */
static bool read_checkpoint(const struct disk_ops *ops, struct disk_file *file, uint64_t segment,
                            struct buffer *record) {
    size_t got = 0;
    struct wal_header header;
    uint8_t *head = buffer_reserve(record, WAL_HEADER_BYTES);
    if (ops->read(file, 0, head, WAL_HEADER_BYTES, &got) || got < WAL_HEADER_BYTES ||
        wal_header_decode(bytes_of(head, got), &header) || header.kind != WAL_CHECKPOINT ||
        header.segment != segment)
        return false;
    buffer_grew(record, got);
    size_t bytes = wal_record_bytes(header.payload_bytes) - WAL_HEADER_BYTES;
    uint8_t *rest = buffer_reserve(record, bytes);
    if (ops->read(file, WAL_HEADER_BYTES, rest, bytes, &got) || got < bytes)
        return false;
    buffer_grew(record, got);
    return wal_record_verify(buffer_bytes(record), &header, 0);
}

static bool begins_anew(struct disk *disk, uint64_t segment) {
    char name[DISK_NAME_MAXIMUM];
    struct disk_file *file;
    wal_segment_name(segment, name);
    if (disk->ops->open(disk, name, DISK_OPEN_READ, &file))
        return false;
    struct buffer record;
    struct wal_ledger ledger;
    buffer_init(&record, WAL_SEGMENT_MAXIMUM_BYTES);
    wal_ledger_init(&ledger);
    bool is_anew = false;
    if (read_checkpoint(disk->ops, file, segment, &record)) {
        struct wal_header header;
        is_anew = wal_header_decode(buffer_bytes(&record), &header) == 0 &&
                  wal_ledger_decode_checkpoint(
                      &ledger, wal_record_payload(buffer_data(&record), &header)) == 0 &&
                  ledger.oldest_segment == segment;
    }
    disk->ops->close(file);
    wal_ledger_release(&ledger);
    buffer_release(&record);
    return is_anew;
}

static int set_aside(struct disk *disk, uint64_t segment) {
    char name[DISK_NAME_MAXIMUM], aside[DISK_NAME_MAXIMUM];
    wal_segment_name(segment, name);
    snprintf(aside, sizeof aside, WAL_DAMAGED_PREFIX "%010" PRIu64, segment);
    return disk->ops->rename(disk, name, aside);
}

int wal_begin_anew(struct disk *disk, struct wal_listing *listing) {
    struct wal_numbers *segments = &listing->segments;
    size_t first = segments->count;
    while (first > 1 && !begins_anew(disk, segments->numbers[first - 1]))
        first--;
    if (first <= 1)
        return 0;
    int status = 0;
    for (size_t i = 0; status == 0 && i + 1 < first; i++)
        status = set_aside(disk, segments->numbers[i]);
    if (status == 0)
        status = disk->ops->sync_directory(disk);
    segments->count -= first - 1;
    memmove(segments->numbers, segments->numbers + first - 1,
            segments->count * sizeof segments->numbers[0]);
    return status;
}
