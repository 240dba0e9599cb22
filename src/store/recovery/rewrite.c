#include "store/recovery/rewrite.h"
#include "base/check.h"
#include "base/memory.h"
#include "store/record/digest.h"
#include "store/record/segment_file.h"

static uint64_t first_segment(const struct wal_rewrite *rewrite) {
    return rewrite->options.last_segment + 1;
}

/* ---- one segment ---- */

static void append(struct wal_rewrite *rewrite, enum wal_kind kind, const struct buffer *payload) {
    CHECK(!payload->is_overflowed);
    wal_record_append(&rewrite->records, kind, 0, 0, buffer_bytes(payload));
}

/* What every segment begins with: the ledger as of the one before it. */
static void begin_segment(struct wal_rewrite *rewrite) {
    struct buffer payload;
    uint64_t segment = ++rewrite->place.segment;
    if (segment == first_segment(rewrite))
        wal_ledger_begin_segment(&rewrite->ledger, segment);
    rewrite->place.life = random_next(rewrite->options.random);
    rewrite->place.round++;
    rewrite->entry_count = 0;
    buffer_truncate(&rewrite->records, 0);
    buffer_init(&payload, WAL_PAYLOAD_MAXIMUM_BYTES);
    wal_ledger_encode_checkpoint(&rewrite->ledger, rewrite->chain, &payload);
    append(rewrite, WAL_CHECKPOINT, &payload);
    buffer_truncate(&payload, 0);
    wal_digest_encode(rewrite->ledger.shards, rewrite->ledger.shard_count, 0, &payload);
    append(rewrite, WAL_DIGEST, &payload);
    buffer_release(&payload);
    if (segment == first_segment(rewrite))
        return;
    wal_ledger_end_segment(&rewrite->ledger, rewrite->place.record, rewrite->chain);
    wal_ledger_begin_segment(&rewrite->ledger, segment);
}

static void seal(struct wal_rewrite *rewrite, uint8_t *record, bool is_last) {
    struct wal_header header, *place = &rewrite->place;
    wal_record_peek(record, &header);
    place->payload_bytes = header.payload_bytes;
    place->is_last_of_round = is_last;
    place->record++;
    wal_record_seal(record, place, &rewrite->chain);
    header.round = place->round;
    if (header.kind == WAL_ENTRY)
        CHECK(wal_ledger_apply(&rewrite->ledger, &header, BYTES_NONE) == 0);
}

static void seal_all(struct wal_rewrite *rewrite) {
    struct buffer *records = &rewrite->records;
    rewrite->chain = 0;
    for (size_t at = 0; at < records->length;) {
        uint8_t *record = buffer_data(records) + at;
        at += wal_record_bytes_at(record);
        seal(rewrite, record, at == records->length);
    }
}

static void name_of(const struct wal_rewrite *rewrite, uint64_t segment,
                    char name[DISK_NAME_MAXIMUM]) {
    if (segment == first_segment(rewrite))
        memcpy(name, WAL_NEXT_NEW_NAME, sizeof WAL_NEXT_NEW_NAME);
    else
        wal_repaired_name(segment, name);
}

static int write_segment(struct wal_rewrite *rewrite) {
    struct disk *disk = rewrite->options.disk;
    struct disk_file *file;
    char name[DISK_NAME_MAXIMUM];
    if (rewrite->records.is_overflowed)
        return ERR_LIMIT;
    seal_all(rewrite);
    struct bytes all = buffer_bytes(&rewrite->records);
    uint64_t bytes =
        all.length > WAL_SEGMENT_MINIMUM_BYTES ? all.length : (uint64_t)WAL_SEGMENT_MINIMUM_BYTES;
    name_of(rewrite, rewrite->place.segment, name);
    int status = wal_segment_make(disk, name, bytes, &file);
    if (status)
        return status;
    status = disk->ops->write_durable(file, 0, &all, 1);
    disk->ops->close(file);
    return status;
}

/* ---- all of them ---- */

void wal_rewrite_init(struct wal_rewrite *rewrite, const struct wal_rewrite_options *options,
                      const struct wal_shard *known, size_t shard_count) {
    *rewrite = (struct wal_rewrite){.options = *options,
                                    .place = {.segment = options->last_segment,
                                              .record = options->last_record,
                                              .round = options->last_round}};
    if (rewrite->options.segment_bytes > WAL_REWRITE_BYTES_MAXIMUM)
        rewrite->options.segment_bytes = WAL_REWRITE_BYTES_MAXIMUM;
    wal_ledger_init(&rewrite->ledger);
    if (shard_count)
        rewrite->ledger.shards = memory_copy(known, shard_count * sizeof *known);
    rewrite->ledger.shard_count = shard_count;
    buffer_init(&rewrite->records, WAL_SEGMENT_MAXIMUM_BYTES);
    begin_segment(rewrite);
}

void wal_rewrite_release(struct wal_rewrite *rewrite) {
    wal_ledger_release(&rewrite->ledger);
    buffer_release(&rewrite->records);
}

int wal_rewrite_entry(struct wal_rewrite *rewrite, uint32_t shard, uint64_t index,
                      struct bytes encoded_entry) {
    size_t bytes = rewrite->records.length + wal_record_bytes((uint32_t)encoded_entry.length);
    if (rewrite->entry_count && bytes > rewrite->options.segment_bytes) {
        int status = write_segment(rewrite);
        if (status)
            return status;
        begin_segment(rewrite);
    }
    wal_record_append(&rewrite->records, WAL_ENTRY, shard, index, encoded_entry);
    rewrite->entry_count++;
    return 0;
}

static int rename_repaired(struct disk *disk, uint64_t segment) {
    char from[DISK_NAME_MAXIMUM], to[DISK_NAME_MAXIMUM];
    wal_repaired_name(segment, from);
    wal_segment_name(segment, to);
    return disk->ops->rename(disk, from, to);
}

int wal_rewrite_finish(struct wal_rewrite *rewrite) {
    struct disk *disk = rewrite->options.disk;
    uint64_t first = first_segment(rewrite);
    int status = write_segment(rewrite);
    if (status == 0 && rewrite->place.segment > first) /* their names come before the first one's */
        status = disk->ops->sync_directory(disk);
    if (status == 0)
        status = wal_segment_install(disk, first);
    for (uint64_t segment = first + 1; status == 0 && segment <= rewrite->place.segment; segment++)
        status = rename_repaired(disk, segment);
    if (status == 0 && rewrite->place.segment > first)
        status = disk->ops->sync_directory(disk);
    return status;
}

void wal_rewrite_abandon(struct wal_rewrite *rewrite) {
    struct disk *disk = rewrite->options.disk;
    for (uint64_t segment = rewrite->place.segment; segment >= first_segment(rewrite); segment--) {
        char name[DISK_NAME_MAXIMUM];
        name_of(rewrite, segment, name);
        int removed = disk->ops->remove(disk, name);
        (void)removed; /* the next start does it */
    }
}

/* ---- at a start ---- */

static bool is_there(const struct wal_numbers *segments, uint64_t number) {
    for (size_t i = 0; i < segments->count; i++)
        if (segments->numbers[i] == number)
            return true;
    return false;
}

static int remove_repaired(struct disk *disk, uint64_t segment) {
    char name[DISK_NAME_MAXIMUM];
    wal_repaired_name(segment, name);
    return disk->ops->remove(disk, name);
}

int wal_rewrite_settle(struct disk *disk, struct wal_listing *listing) {
    struct wal_numbers *repaired = &listing->repaired;
    if (repaired->count == 0)
        return 0;
    bool is_whole = is_there(&listing->segments, repaired->numbers[0] - 1);
    int status = 0;
    for (size_t i = 0; status == 0 && i < repaired->count; i++) {
        uint64_t segment = repaired->numbers[i];
        status = is_whole ? rename_repaired(disk, segment) : remove_repaired(disk, segment);
        if (status == 0 && is_whole)
            wal_numbers_add(&listing->segments, segment);
    }
    repaired->count = 0;
    return status ? status : disk->ops->sync_directory(disk);
}
