/* The digest: what the log says again, at the head of a round, of the shards that changed lately.
 * Whoever has to read on behind damage learns from it what was in the bytes that are lost
 * (recovery/repair.h, docs/format/wal.md):
 *
 *   0 u32 crc32c        of what follows: behind damage the chain of records does not reach it
 *   4 u32 0
 *   8 u64 first_round   every shard of which a record lies in this round or a later one has a row;
 *                       0: every shard that the log knows
 *  16     per shard, ascending, 64 bytes:
 *         u16 shard, u16 flags (bit 0: it was forgotten once), u32 vote, u64 term,
 *         u64 snapshot_index, u64 snapshot_term,
 *         u64 record_count   its records so far, over the whole log
 *         u64 end_index      where its entries end
 *         u64 floor_index, u64 floor_term   where a log of it ended that was forgotten or damaged
 *
 * The first digests of a segment and of each opening of the log hold every shard. Later ones reach
 * back over WAL_DIGEST_REACH_BYTES at the least, and always to the round before: damage that is
 * shorter, or within one round, hides nothing. */
#pragma once
#include "base/cursor.h"
#include "store/record/shard.h"

enum { WAL_DIGEST_HEAD_BYTES = 16, WAL_DIGEST_ROW_BYTES = 64, WAL_DIGEST_REACH_BYTES = 4096 };

struct wal_digest_row {
    uint32_t shard;
    struct wal_shard known; /* only what a row holds */
};

/* The rows of all shards, by their numbers, of which a record lies in `first_round` or later; 0: of
 * all. */
void wal_digest_encode(const struct wal_shard *shards, size_t shard_count, uint64_t first_round,
                       struct buffer *out);

struct wal_digest {
    uint64_t first_round;
    struct cursor rows;
};
/* ERR_MALFORMED: no digest has such a payload, whole and unchanged. */
int wal_digest_begin(struct wal_digest *digest, struct bytes payload) MUST_CHECK;
/* False behind the last row. */
bool wal_digest_next(struct wal_digest *digest, struct wal_digest_row *row);

/* From which round on the next digest tells of the shards, as the log grows. */
struct wal_digest_reach {
    uint64_t far_round, near_round, near_offset; /* of two digests; 0: none yet */
};
void wal_digest_reach_reset(struct wal_digest_reach *reach);
/* A digest of `round` lies at `offset` of the segment. */
void wal_digest_reach_note(struct wal_digest_reach *reach, uint64_t round, uint64_t offset);
