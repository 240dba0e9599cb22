/* What the log knows of itself: the latest term, vote and snapshot mark of each shard, and which
 * segments hold entries that a shard still needs. It is fed every sealed or replayed record in
 * order, so that writing and recovering share one bookkeeping, and what it knows at the start of a
 * segment is that segment's checkpoint:
 *
 *   0 u32 previous_crc32c   record_crc32c of the last record of the segment before
 *   4 u32 shard_count
 *   8 u64 oldest_segment    older ones are needed by nobody
 *  16     per shard, ascending:
 *           u32 shard, u32 vote, u64 term, u64 snapshot_index, u64 snapshot_term
 *         and per shard that was forgotten:
 *           u32 shard, u32 0, u64 floor_index, u64 floor_term
 *
 * So the log can be read from any segment on. */
#pragma once
#include "store/record/shard.h"

struct wal_segment {
    uint64_t number;
    uint64_t *last_index; /* by shard: the highest index of an entry in this segment, 0: none */
    size_t shard_count;   /* of last_index[] */
    uint64_t end_record;  /* its last one, once another segment follows; 0: none does */
    uint32_t end_crc32c;  /* the record_crc32c of that */
};

struct wal_ledger {
    struct wal_shard *shards; /* by shard */
    size_t shard_count;
    struct wal_segment *segments; /* oldest first, numbers without a gap */
    size_t segment_count, segment_capacity;
    uint64_t oldest_segment; /* as the log itself says */
};

void wal_ledger_init(struct wal_ledger *ledger);
void wal_ledger_release(struct wal_ledger *ledger);
/* The newest segment, if there is one, ends with this record; another is about to begin. */
void wal_ledger_end_segment(struct wal_ledger *ledger, uint64_t record, uint32_t crc32c);
/* What is applied from here on lies in this segment. */
void wal_ledger_begin_segment(struct wal_ledger *ledger, uint64_t number);
/* ERR_MALFORMED for a payload that its kind cannot have. */
int wal_ledger_apply(struct wal_ledger *ledger, const struct wal_header *header,
                     struct bytes payload) MUST_CHECK;
void wal_ledger_encode_checkpoint(const struct wal_ledger *ledger, uint32_t previous_crc32c,
                                  struct buffer *out);
/* Into an empty ledger: the checkpoint of the oldest segment. ERR_MALFORMED. */
int wal_ledger_decode_checkpoint(struct wal_ledger *ledger, struct bytes payload) MUST_CHECK;

/* The shard needs no entry up to index. */
void wal_ledger_release_entries(struct wal_ledger *ledger, uint32_t shard, uint64_t index);
/* The oldest segment that holds an entry somebody needs; the newest if there is none. 0 without
 * segments. */
uint64_t wal_ledger_needed_from(const struct wal_ledger *ledger);
/* The oldest segment above this one that another follows; NULL: none does. */
const struct wal_segment *wal_ledger_sealed_after(const struct wal_ledger *ledger, uint64_t number);
/* A shard that needs an entry of this segment; false if there is none. */
bool wal_ledger_holder(const struct wal_ledger *ledger, uint64_t segment, uint32_t *shard);
