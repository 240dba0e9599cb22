#include "store/wal_replay.h"
#include "base/memory.h"

static void listing_add(void *context, const char *name) {
    struct wal_listing *listing = context;
    listing->has_spare = listing->has_spare || strcmp(name, WAL_SPARE_NAME) == 0;
    listing->has_next = listing->has_next || strcmp(name, WAL_NEXT_NAME) == 0;
    uint64_t segment;
    if (!wal_segment_name_parse(name, &segment))
        return;
    if (listing->count == listing->capacity) {
        listing->capacity = listing->capacity ? listing->capacity * 2 : 16;
        listing->segments = memory_resize(listing->segments, listing->capacity * sizeof(uint64_t));
    }
    /* Kept in order: names of more than ten digits do not sort as their numbers do. */
    size_t at = listing->count++;
    for (; at > 0 && listing->segments[at - 1] > segment; at--)
        listing->segments[at] = listing->segments[at - 1];
    listing->segments[at] = segment;
}

int wal_listing_read(struct disk *disk, struct wal_listing *listing) {
    *listing = (struct wal_listing){.segments = NULL};
    return disk->ops->list(disk, listing_add, listing);
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
                                                 shard->forgotten_index, shard->forgotten_term)
                               : 0;
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
        status = visitor->forget(visitor->context, number, shard->forgotten_index,
                                 shard->forgotten_term);
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
