#include "store/recovery/replay.h"
#include "base/memory.h"
#include "store/record/digest.h"

/* Kept in order: names of more than ten digits do not sort as their numbers do. */
void wal_numbers_add(struct wal_numbers *list, uint64_t number) {
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 16;
        list->numbers = memory_resize(list->numbers, list->capacity * sizeof(uint64_t));
    }
    size_t at = list->count++;
    for (; at > 0 && list->numbers[at - 1] > number; at--)
        list->numbers[at] = list->numbers[at - 1];
    list->numbers[at] = number;
}

static void listing_add(void *context, const char *name) {
    struct wal_listing *listing = context;
    uint64_t number;
    listing->has_spare_new = listing->has_spare_new || strcmp(name, WAL_SPARE_NEW_NAME) == 0;
    listing->has_next_new = listing->has_next_new || strcmp(name, WAL_NEXT_NEW_NAME) == 0;
    listing->has_reserve = listing->has_reserve || strcmp(name, WAL_RESERVE_NAME) == 0;
    if (wal_segment_name_parse(name, &number))
        wal_numbers_add(&listing->segments, number);
    else if (wal_spare_name_parse(name, &number))
        wal_numbers_add(&listing->spares, number);
    else if (wal_repaired_name_parse(name, &number))
        wal_numbers_add(&listing->repaired, number);
}

int wal_listing_read(struct disk *disk, struct wal_listing *listing) {
    *listing = (struct wal_listing){.has_next_new = false};
    return disk->ops->list(disk, listing_add, listing);
}

void wal_listing_release(struct wal_listing *listing) {
    memory_free(listing->segments.numbers);
    memory_free(listing->spares.numbers);
    memory_free(listing->repaired.numbers);
}

/* Floors of damaged logs stand in digests only; those of forgotten ones were told by then. */
static int visit_digest(const struct wal_visitor *visitor, struct bytes payload) {
    struct wal_digest digest;
    struct wal_digest_row row;
    int status = wal_digest_begin(&digest, payload);
    while (status == 0 && wal_digest_next(&digest, &row)) {
        const struct wal_shard *known = &row.known;
        bool is_damaged = !known->is_forgotten && (known->floor_index || known->floor_term);
        if (is_damaged && visitor->floor)
            status =
                visitor->floor(visitor->context, row.shard, known->floor_index, known->floor_term);
    }
    return status;
}

int wal_visit_record(const struct wal_visitor *visitor, const struct wal_ledger *ledger,
                     const struct wal_header *header, struct bytes payload) {
    const struct wal_shard *shard = &ledger->shards[header->shard];
    switch (header->kind) {
    case WAL_ENTRY:
        return visitor->entry(visitor->context, header->shard, payload);
    case WAL_TRUNCATE:
        return visitor->truncate(visitor->context, header->shard, header->index);
    case WAL_STATE:
        return visitor->state(visitor->context, header->shard, shard->state.term,
                              shard->state.vote);
    case WAL_SNAPSHOT:
        return visitor->snapshot(visitor->context, header->shard, shard->snapshot_index,
                                 shard->snapshot_term);
    case WAL_FORGET:
        return visitor->forget ? visitor->forget(visitor->context, header->shard,
                                                 shard->floor_index, shard->floor_term)
                               : 0;
    case WAL_DIGEST:
        return visit_digest(visitor, payload);
    case WAL_CHECKPOINT:
    case WAL_RELEASE:
    case WAL_CUT:
    case WAL_KIND_END:
        break;
    }
    return 0;
}

static int visit_shard(const struct wal_visitor *visitor, uint32_t number,
                       const struct wal_shard *shard) {
    int status = 0;
    if (shard->is_forgotten && visitor->forget)
        status = visitor->forget(visitor->context, number, shard->floor_index, shard->floor_term);
    if (status == 0 && (shard->state.term || shard->state.vote))
        status = visitor->state(visitor->context, number, shard->state.term, shard->state.vote);
    if (status == 0 && (shard->snapshot_index || shard->snapshot_term))
        status = visitor->snapshot(visitor->context, number, shard->snapshot_index,
                                   shard->snapshot_term);
    return status;
}

int wal_visit_checkpoint(const struct wal_visitor *visitor, const struct wal_ledger *ledger) {
    int status = 0;
    for (size_t i = 0; i < ledger->shard_count && status == 0; i++)
        status = visit_shard(visitor, (uint32_t)i, &ledger->shards[i]);
    return status;
}
