/* One shard in a log that is being repaired: what is left of it, and what of that is certain.
 *
 *     prefix: 1 2 3 4    XXXX    run: 7 8 9
 *
 * `prefix` is the log as it was before the first gap, `run` what was appended since the latest one.
 * Until a digest has counted this shard's records the shard is in doubt: then the two are joined if
 * nothing of it was lost, and stay apart otherwise. What stood in the run when the next gap came is
 * dropped, and lost with that, unless a truncation behind the gap voids all of it. A snapshot that
 * reaches up to the run mends the gap.
 *
 * No entry is held here, however long the log is, only where entries stand: one span for all that
 * were appended in one term with nothing taken back between them. Who has read all of the log, and
 * knows what is kept of it, reads it once more and copies that (wal_survivor_meet()). */
#pragma once
#include "store/record/digest.h"

/* The shard's entries in records first_record .. last_record of the log whose indexes are
 * first_index .. last_index: each once, in order. */
struct wal_span {
    uint64_t first_index, last_index, term;
    uint64_t first_record, last_record;
    bool is_closed; /* what is appended begins another */
};
struct wal_kept_list {
    struct wal_span *spans; /* indexes and records rise, and indexes without a gap */
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
    size_t met_span;                      /* of `prefix`, and */
    uint64_t met_index;                   /* the last entry that was met; 0: none was */
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

/* Of `prefix`, when that is final: */
uint64_t wal_survivor_kept_count(const struct wal_survivor *survivor);
/* All entries are read again, in the same order. Is this one kept? ERR_DAMAGED: something else was
 * read the first time. */
int wal_survivor_meet(struct wal_survivor *survivor, const struct wal_header *header,
                      bool *is_kept) MUST_CHECK;
bool wal_survivor_has_met_all(const struct wal_survivor *survivor);
