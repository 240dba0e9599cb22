/* What one shard's log amounts to, told record by record as recovery is (shard/recover.c), but
 * without keeping the entries: their indexes, and where each term begins.
 *
 *      snapshot_index      first_index             last_index
 *            |                  |                      |
 *   [ snapshot ]   term_runs:  [ term 3 ][ term 4 .... ]
 *
 * Each call says with a sentence what is wrong with the record, NULL if nothing is. */
#pragma once
#include "base/bytes.h"

struct shard_check_run {
    uint64_t first_index, term;
};

struct shard_check {
    bool is_seen; /* the log says something of this shard */
    uint64_t term;
    uint32_t vote;
    uint64_t snapshot_index, snapshot_term;
    uint64_t entry_count;             /* all that were read, the void ones too */
    uint64_t first_index, last_index; /* of the entries that stand; 0, 0: none */
    struct shard_check_run *runs;     /* owned; of the entries that stand */
    size_t run_count, run_capacity;
    bool is_gap_known; /* the log cannot be read everywhere: entries may be missing from here on */
};

/* Entries that damage took from the middle of a log; count 0: none. */
struct shard_check_gap {
    uint64_t first_index, last_index;
};

void shard_check_release(struct shard_check *check);
/* Decodes the whole entry, what it holds too. *gap is filled where a known damage explains it. */
const char *shard_check_entry(struct shard_check *check, struct bytes encoded,
                              struct shard_check_gap *gap);
/* An entry stood here that cannot be read. */
void shard_check_unreadable_entry(struct shard_check *check, uint64_t index);
void shard_check_truncate(struct shard_check *check, uint64_t from_index);
const char *shard_check_state(struct shard_check *check, uint64_t term, uint32_t vote);
void shard_check_snapshot(struct shard_check *check, uint64_t index, uint64_t term);
void shard_check_forget(struct shard_check *check); /* the replica was removed */
/* At the end of the log. */
const char *shard_check_end(const struct shard_check *check);
