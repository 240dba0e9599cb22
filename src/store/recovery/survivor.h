/* One shard in a log that is being repaired: what is left of it, and what of that is certain.
 *
 *     prefix: 1 2 3 4    XXXX    run: 7 8 9
 *
 * `prefix` is the log as it was before the first gap, `run` what was appended since the latest one.
 * Until a digest has counted this shard's records the shard is in doubt: then the two are joined if
 * nothing of it was lost, and stay apart otherwise. What stood in the run when the next gap came is
 * dropped, and lost with that, unless a truncation behind the gap voids all of it. A snapshot that
 * reaches up to the run mends the gap. */
#pragma once
#include "store/record/digest.h"

struct wal_kept {
    uint64_t index;
    uint8_t *data; /* owned */
    size_t length;
};
struct wal_kept_list {
    struct wal_kept *entries; /* indexes without a gap */
    size_t count, capacity;
};

struct wal_survivor {
    uint64_t (*entry_term)(struct bytes encoded_entry);
    struct wal_shard known; /* record_count: what was read of it */
    struct wal_kept_list prefix, run;
    bool is_apart, is_in_doubt;
    bool is_broken;                 /* apart, and something between the two is lost for certain */
    uint64_t broken_from;           /* ... from this entry on; 0: that is not known */
    uint64_t doubt_round;           /* the first round in which something may have been lost */
    uint64_t truncated_from;        /* of truncations since the gap, the lowest */
    uint64_t prefix_snapshot_index; /* the mark on which the prefix stands */
    uint64_t highest_index, highest_term; /* of all entries that were seen or told of */
};

void wal_survivor_init(struct wal_survivor *survivor,
                       uint64_t (*entry_term)(struct bytes encoded_entry));
void wal_survivor_release(struct wal_survivor *survivor);
void wal_survivor_gap(struct wal_survivor *survivor, uint64_t first_round);
/* A record of this shard. ERR_MALFORMED. */
int wal_survivor_record(struct wal_survivor *survivor, const struct wal_header *header,
                        struct bytes payload) MUST_CHECK;
/* The digest's row of this shard; NULL: nothing of it lies in first_round or later. */
void wal_survivor_digest(struct wal_survivor *survivor, uint64_t first_round,
                         const struct wal_shard *row);
/* When all was read: the entries that are certain, behind the snapshot mark, in `prefix`. True:
 * others are lost; known.floor_index and floor_term say where the log ended, and the term is a new
 * one: a leader of the old one counts on what was acknowledged to it. */
bool wal_survivor_finish(struct wal_survivor *survivor);
