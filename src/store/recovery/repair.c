#include "store/recovery/repair.h"
#include "base/memory.h"
#include "store/recovery/checkpoint.h"
#include "store/recovery/rewrite.h"
#include "store/recovery/scan.h"
#include "store/recovery/survivor.h"
#include <inttypes.h>
#include <stdio.h>

struct repair {
    const struct wal_repair_options *options;
    struct wal_repaired *result;
    struct wal_rewrite *rewrite; /* once it is known what is kept */
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
            wal_survivor_init(&repair->shards[i], repair->options->repairer->entry_term);
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
    log_line(repair->options->log, LOG_ERROR, "the log is damaged", LOG_T("segment", name),
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
    log_line(repair->options->log, LOG_ERROR, "the log cannot be repaired", LOG_F("shard", shard),
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
        if (!repair->options->repairer->may_lose(repair->options->repairer->context, (uint32_t)i))
            return refuse(repair, i, "no other node has a replica of it");
        repair->result->shard_count++;
        log_line(repair->options->log, LOG_WARN,
                 "entries of a replica are lost here; its peers have them", LOG_F("shard", i),
                 LOG_F("kept", wal_survivor_kept_count(survivor)),
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

/* What a new log knows before its first entry. */
static struct wal_shard *known_before(const struct repair *repair) {
    struct wal_shard *known = memory_allocate_zeroed(repair->shard_count + 1, sizeof known[0]);
    for (size_t i = 0; i < repair->shard_count; i++) {
        known[i] = repair->shards[i].known;
        known[i].record_count = 0;
        known[i].end_index = known[i].snapshot_index;
    }
    return known;
}

/* Told of when they were found. */
static void pass_gap(void *context, const struct wal_gap *gap) { (void)context, (void)gap; }

static int copy_record(void *context, const struct wal_header *header, struct bytes payload) {
    struct repair *repair = context;
    bool is_kept;
    if (header->kind != WAL_ENTRY)
        return 0;
    if (header->shard >= repair->shard_count)
        return ERR_DAMAGED;
    int status = wal_survivor_meet(&repair->shards[header->shard], header, &is_kept);
    if (status || !is_kept)
        return status;
    return wal_rewrite_entry(repair->rewrite, header->shard, header->index, payload);
}

/* A disk that gives other bytes each time it is asked is none to build upon. */
static int copy_kept(struct repair *repair, const struct wal_numbers *segments) {
    struct wal_scanner scanner = {.gap = pass_gap, .record = copy_record, .context = repair};
    int status = wal_scan(repair->options->disk, segments, &scanner);
    bool is_read = status == 0 || status == ERR_DAMAGED;
    for (size_t i = 0; is_read && i < repair->shard_count; i++)
        if (!wal_survivor_has_met_all(&repair->shards[i]))
            return refuse(repair, i, "the disk does not read the same twice");
    return status;
}

static int write_anew(struct repair *repair, const struct wal_numbers *segments,
                      const struct wal_rewrite_options *options) {
    struct wal_rewrite rewrite;
    struct wal_shard *known = known_before(repair);
    wal_rewrite_init(&rewrite, options, known, repair->shard_count);
    memory_free(known);
    repair->rewrite = &rewrite;
    int status = copy_kept(repair, segments);
    if (status)
        wal_rewrite_abandon(&rewrite);
    else
        status = wal_rewrite_finish(&rewrite);
    wal_rewrite_release(&rewrite);
    if (status && status != ERR_DAMAGED)
        log_line(repair->options->log, LOG_ERROR, "the log is repaired at the next start",
                 LOG_T("error", error_text(status)));
    return status;
}

static int repair_log(struct repair *repair, const struct wal_numbers *segments) {
    const struct wal_repair_options *options = repair->options;
    struct wal_scanner scanner = {.gap = on_gap, .record = on_record, .context = repair};
    int status = wal_scan(options->disk, segments, &scanner);
    if (status == 0)
        status = judge(repair);
    if (status)
        return status;
    struct wal_rewrite_options rewrite = {.disk = options->disk,
                                          .random = options->random,
                                          .segment_bytes = options->segment_bytes,
                                          .last_segment = segments->numbers[segments->count - 1],
                                          .last_record = scanner.record_number,
                                          .last_round = scanner.round};
    return write_anew(repair, segments, &rewrite);
}

int wal_repair(const struct wal_repair_options *options, struct wal_repaired *out) {
    *out = (struct wal_repaired){.gap_count = 0};
    struct repair repair = {.options = options, .result = out, .is_in_doubt = true};
    struct wal_listing listing;
    int status = wal_listing_read(options->disk, &listing);
    if (status == 0)
        status = wal_begin_anew(options->disk, &listing);
    if (status == 0 && listing.segments.count)
        status = repair_log(&repair, &listing.segments);
    for (size_t i = 0; i < repair.shard_count; i++)
        wal_survivor_release(&repair.shards[i]);
    memory_free(repair.shards);
    wal_listing_release(&listing);
    return status;
}

/* ---- where a repaired log begins ---- */

/* What the disk cannot read of it says nothing. Errors: it could not be looked at. */
static int look_for_beginning(struct disk *disk, uint64_t segment, bool *is_anew) {
    struct wal_ledger ledger;
    wal_ledger_init(&ledger);
    int status = wal_checkpoint_read(disk, segment, &ledger, is_anew);
    *is_anew = *is_anew && ledger.oldest_segment == segment;
    wal_ledger_release(&ledger);
    return status;
}

static int set_aside(struct disk *disk, uint64_t segment) {
    char name[DISK_NAME_MAXIMUM], aside[DISK_NAME_MAXIMUM];
    wal_segment_name(segment, name);
    snprintf(aside, sizeof aside, WAL_DAMAGED_PREFIX "%010" PRIu64, segment);
    return disk->ops->rename(disk, name, aside);
}

int wal_begin_anew(struct disk *disk, struct wal_listing *listing) {
    struct wal_numbers *segments = &listing->segments;
    int status = wal_rewrite_settle(disk, listing);
    size_t first = segments->count;
    for (bool is_anew = false; status == 0 && first > 1; first -= !is_anew) {
        status = look_for_beginning(disk, segments->numbers[first - 1], &is_anew);
        if (is_anew)
            break;
    }
    if (status || first <= 1)
        return status;
    for (size_t i = 0; status == 0 && i + 1 < first; i++)
        status = set_aside(disk, segments->numbers[i]);
    if (status == 0)
        status = disk->ops->sync_directory(disk);
    segments->count -= first - 1;
    memmove(segments->numbers, segments->numbers + first - 1,
            segments->count * sizeof segments->numbers[0]);
    return status;
}
