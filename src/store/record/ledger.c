#include "store/record/ledger.h"
#include "base/check.h"
#include "base/cursor.h"
#include "base/memory.h"
#include "store/record/digest.h"

void wal_ledger_init(struct wal_ledger *ledger) { *ledger = (struct wal_ledger){.shards = NULL}; }

void wal_ledger_release(struct wal_ledger *ledger) {
    for (size_t i = 0; i < ledger->segment_count; i++)
        memory_free(ledger->segments[i].last_index);
    memory_free(ledger->segments);
    memory_free(ledger->shards);
    wal_ledger_init(ledger);
}

void wal_ledger_begin_segment(struct wal_ledger *ledger, uint64_t number) {
    if (ledger->segment_count == ledger->segment_capacity) {
        ledger->segment_capacity = ledger->segment_capacity ? ledger->segment_capacity * 2 : 8;
        ledger->segments =
            memory_resize(ledger->segments, ledger->segment_capacity * sizeof ledger->segments[0]);
    }
    if (ledger->segment_count)
        CHECK(number == ledger->segments[ledger->segment_count - 1].number + 1);
    if (ledger->oldest_segment == 0)
        ledger->oldest_segment = number;
    ledger->segments[ledger->segment_count++] = (struct wal_segment){.number = number};
}

void wal_ledger_end_segment(struct wal_ledger *ledger, uint64_t record, uint32_t crc32c) {
    if (ledger->segment_count == 0)
        return;
    struct wal_segment *newest = &ledger->segments[ledger->segment_count - 1];
    newest->end_record = record;
    newest->end_crc32c = crc32c;
}

const struct wal_segment *wal_ledger_sealed_after(const struct wal_ledger *ledger,
                                                  uint64_t number) {
    for (size_t i = 0; i + 1 < ledger->segment_count; i++)
        if (ledger->segments[i].number > number && ledger->segments[i].end_record)
            return &ledger->segments[i];
    return NULL;
}

static struct wal_shard *ledger_shard(struct wal_ledger *ledger, uint32_t shard) {
    CHECK(shard < WAL_SHARD_MAXIMUM);
    if (shard >= ledger->shard_count) {
        size_t count = (size_t)shard + 1;
        ledger->shards = memory_resize(ledger->shards, count * sizeof ledger->shards[0]);
        memset(ledger->shards + ledger->shard_count, 0,
               (count - ledger->shard_count) * sizeof ledger->shards[0]);
        ledger->shard_count = count;
    }
    return &ledger->shards[shard];
}

static void segment_note_entry(struct wal_segment *segment, uint32_t shard, uint64_t index) {
    if (shard >= segment->shard_count) {
        size_t count = (size_t)shard + 1;
        segment->last_index = memory_resize(segment->last_index, count * sizeof(uint64_t));
        memset(segment->last_index + segment->shard_count, 0,
               (count - segment->shard_count) * sizeof(uint64_t));
        segment->shard_count = count;
    }
    if (index > segment->last_index[shard])
        segment->last_index[shard] = index;
}

static void ledger_truncate(struct wal_ledger *ledger, uint32_t shard, uint64_t from_index) {
    for (size_t i = 0; i < ledger->segment_count; i++) {
        struct wal_segment *segment = &ledger->segments[i];
        if (shard < segment->shard_count && segment->last_index[shard] >= from_index)
            segment->last_index[shard] = from_index ? from_index - 1 : 0;
    }
}

static void ledger_drop_segments(struct wal_ledger *ledger, uint64_t oldest_segment) {
    size_t dropped = 0;
    while (dropped + 1 < ledger->segment_count && ledger->segments[dropped].number < oldest_segment)
        memory_free(ledger->segments[dropped++].last_index);
    if (dropped)
        memmove(ledger->segments, ledger->segments + dropped,
                (ledger->segment_count - dropped) * sizeof ledger->segments[0]);
    ledger->segment_count -= dropped;
    ledger->oldest_segment = oldest_segment;
}

/* What a digest says of floors, counts and ends is new to a ledger that began with a checkpoint. */
static int ledger_adopt(struct wal_ledger *ledger, struct bytes payload) {
    struct wal_digest digest;
    struct wal_digest_row row;
    if (wal_digest_begin(&digest, payload))
        return ERR_MALFORMED;
    while (wal_digest_next(&digest, &row)) {
        struct wal_shard *shard = ledger_shard(ledger, row.shard);
        row.known.released_index = shard->released_index;
        row.known.changed_round = shard->changed_round;
        *shard = row.known;
    }
    return 0;
}

static void shard_count_record(struct wal_shard *shard, const struct wal_header *header) {
    shard->record_count++;
    shard->changed_round = header->round;
    bool is_end = header->kind == WAL_ENTRY ||
                  (header->kind == WAL_SNAPSHOT && header->index > shard->end_index);
    if (is_end)
        shard->end_index = header->index;
    if (header->kind == WAL_TRUNCATE && header->index && header->index <= shard->end_index)
        shard->end_index = header->index - 1;
}

static int ledger_snapshot(struct wal_shard *shard, const struct wal_header *header,
                           struct bytes payload) {
    uint64_t term;
    if (wal_snapshot_decode(&term, payload))
        return ERR_MALFORMED;
    shard->snapshot_index = header->index;
    shard->snapshot_term = term;
    return 0;
}

static int ledger_release(struct wal_ledger *ledger, const struct wal_header *header,
                          struct bytes payload) {
    if (payload.length || header->index > ledger->segments[ledger->segment_count - 1].number)
        return ERR_MALFORMED;
    ledger_drop_segments(ledger, header->index);
    return 0;
}

/* What it promised stays, and where its log ended; all else of it is gone. */
static int ledger_forget(struct wal_ledger *ledger, const struct wal_header *header,
                         struct bytes payload) {
    struct wal_shard *shard = ledger_shard(ledger, header->shard);
    uint64_t term;
    if (wal_snapshot_decode(&term, payload))
        return ERR_MALFORMED;
    ledger_truncate(ledger, header->shard, 0);
    *shard = (struct wal_shard){.state = shard->state,
                                .is_forgotten = true,
                                .floor_index = header->index,
                                .floor_term = term,
                                .record_count = shard->record_count};
    return 0;
}

static int ledger_apply(struct wal_ledger *ledger, const struct wal_header *header,
                        struct bytes payload) {
    struct wal_shard *shard = ledger_shard(ledger, header->shard);
    switch (header->kind) {
    case WAL_ENTRY:
        segment_note_entry(&ledger->segments[ledger->segment_count - 1], header->shard,
                           header->index);
        return 0;
    case WAL_TRUNCATE:
        ledger_truncate(ledger, header->shard, header->index);
        return payload.length ? ERR_MALFORMED : 0;
    case WAL_STATE:
        return wal_state_decode(&shard->state, payload);
    case WAL_SNAPSHOT:
        return ledger_snapshot(shard, header, payload);
    case WAL_RELEASE:
        return ledger_release(ledger, header, payload);
    case WAL_CUT:
        return payload.length ? ERR_MALFORMED : 0;
    case WAL_FORGET:
        return ledger_forget(ledger, header, payload);
    case WAL_DIGEST:
        return ledger_adopt(ledger, payload);
    case WAL_CHECKPOINT:
    case WAL_KIND_END:
        break;
    }
    return ERR_MALFORMED;
}

int wal_ledger_apply(struct wal_ledger *ledger, const struct wal_header *header,
                     struct bytes payload) {
    CHECK(ledger->segment_count > 0);
    int status = ledger_apply(ledger, header, payload);
    if (status == 0 && wal_kind_is_of_shard(header->kind))
        shard_count_record(ledger_shard(ledger, header->shard), header);
    return status;
}

void wal_ledger_encode_checkpoint(const struct wal_ledger *ledger, uint32_t previous_crc32c,
                                  struct buffer *out) {
    uint32_t count = 0;
    for (size_t i = 0; i < ledger->shard_count; i++)
        count += wal_shard_is_worth_saving(&ledger->shards[i]);
    buffer_append_u32(out, previous_crc32c);
    buffer_append_u32(out, count);
    buffer_append_u64(out, ledger->oldest_segment);
    for (size_t i = 0; i < ledger->shard_count; i++) {
        const struct wal_shard *shard = &ledger->shards[i];
        if (!wal_shard_is_worth_saving(shard))
            continue;
        buffer_append_u32(out, (uint32_t)i);
        buffer_append_u32(out, shard->state.vote);
        buffer_append_u64(out, shard->state.term);
        buffer_append_u64(out, shard->snapshot_index);
        buffer_append_u64(out, shard->snapshot_term);
    }
    for (size_t i = 0; i < ledger->shard_count; i++) {
        const struct wal_shard *shard = &ledger->shards[i];
        if (!shard->is_forgotten)
            continue;
        buffer_append_u32(out, (uint32_t)i);
        buffer_append_u32(out, 0);
        buffer_append_u64(out, shard->floor_index);
        buffer_append_u64(out, shard->floor_term);
    }
}

static bool decode_forgotten(struct wal_ledger *ledger, struct cursor *cursor) {
    for (uint32_t next = 0; cursor_left(cursor) > 0;) {
        uint32_t number = cursor_u32(cursor);
        uint32_t reserved = cursor_u32(cursor);
        uint64_t index = cursor_u64(cursor);
        uint64_t term = cursor_u64(cursor);
        if (cursor->is_failed || number < next || number >= WAL_SHARD_MAXIMUM || reserved != 0)
            return false;
        struct wal_shard *shard = ledger_shard(ledger, number);
        shard->is_forgotten = true;
        shard->floor_index = index;
        shard->floor_term = term;
        next = number + 1;
    }
    return true;
}

int wal_ledger_decode_checkpoint(struct wal_ledger *ledger, struct bytes payload) {
    struct cursor cursor = cursor_of(payload);
    cursor_u32(&cursor); /* the segment before is gone */
    uint32_t count = cursor_u32(&cursor);
    ledger->oldest_segment = cursor_u64(&cursor);
    for (uint32_t i = 0, next = 0; i < count && !cursor.is_failed; i++) {
        uint32_t number = cursor_u32(&cursor);
        struct wal_shard saved = {.state.vote = cursor_u32(&cursor)};
        saved.state.term = cursor_u64(&cursor);
        saved.snapshot_index = cursor_u64(&cursor);
        saved.snapshot_term = cursor_u64(&cursor);
        if (cursor.is_failed || number < next || number >= WAL_SHARD_MAXIMUM ||
            !wal_shard_is_worth_saving(&saved))
            return ERR_MALFORMED;
        *ledger_shard(ledger, number) = saved;
        next = number + 1;
    }
    if (!cursor.is_failed && !decode_forgotten(ledger, &cursor))
        return ERR_MALFORMED;
    return cursor_finish(&cursor);
}

void wal_ledger_release_entries(struct wal_ledger *ledger, uint32_t shard, uint64_t index) {
    struct wal_shard *known = ledger_shard(ledger, shard);
    if (index > known->released_index)
        known->released_index = index;
}

static bool segment_holder(const struct wal_ledger *ledger, const struct wal_segment *segment,
                           uint32_t *shard) {
    for (size_t i = 0; i < segment->shard_count; i++)
        if (segment->last_index[i] > ledger->shards[i].released_index) {
            *shard = (uint32_t)i;
            return true;
        }
    return false;
}

uint64_t wal_ledger_needed_from(const struct wal_ledger *ledger) {
    uint32_t shard;
    for (size_t i = 0; i < ledger->segment_count; i++)
        if (i + 1 == ledger->segment_count || segment_holder(ledger, &ledger->segments[i], &shard))
            return ledger->segments[i].number;
    return 0;
}

bool wal_ledger_holder(const struct wal_ledger *ledger, uint64_t segment, uint32_t *shard) {
    for (size_t i = 0; i < ledger->segment_count; i++)
        if (ledger->segments[i].number == segment)
            return segment_holder(ledger, &ledger->segments[i], shard);
    return false;
}
