/* The entries that a replica holds in memory, as one array of counted references.
 *
 *      memory [ free | entry base+1 | entry base+2 | ... | entry last | free ]
 *                start                                  start+count
 *
 * What stood at or before base_index is in a snapshot; base_term is the term of the entry at
 * base_index. Slices of the array are lent out in actions, so it moves only when an entry is
 * appended or entries are compacted away; then it is no more than some times as long as it has to
 * be. Invariants: indexes follow each other without a gap; terms never fall. */
#pragma once
#include "raft/events/entry.h"

struct raft_log {
    struct raft_entry **memory;
    size_t start, count, capacity;
    raft_index base_index;
    raft_term base_term;
    uint64_t bytes;         /* of all entries held */
    raft_index newest_from; /* all entries held from here on are of newest_term: mostly a term */
    raft_term newest_term;  /* is asked for there, and no entry has to be looked at for it */
};

void raft_log_init(struct raft_log *log, raft_index base_index, raft_term base_term);
void raft_log_release(struct raft_log *log);
void raft_log_append(struct raft_log *log, struct raft_entry *entry); /* takes */
void raft_log_truncate(struct raft_log *log, raft_index from);        /* forgets from there on */
void raft_log_compact(struct raft_log *log, raft_index base_index);   /* forgets up to there */
void raft_log_reset(struct raft_log *log, raft_index base_index, raft_term base_term);
/* The term at `index`; 0 where it is unknown. Known at base_index too. */
raft_term raft_log_term(const struct raft_log *log, raft_index index);
/* The first index in [low, high] whose term is at least `term`; high + 1 if there is none. low >
 * base_index. */
raft_index raft_log_first_of_term(const struct raft_log *log, raft_index low, raft_index high,
                                  raft_term term);

static inline raft_index raft_log_last_index(const struct raft_log *log) {
    return log->base_index + log->count;
}
static inline bool raft_log_holds(const struct raft_log *log, raft_index index) {
    return index > log->base_index && index - log->base_index <= log->count;
}
/* Where the reference to `index` stands; it must be held. */
static inline struct raft_entry **raft_log_at(const struct raft_log *log, raft_index index) {
    return log->memory + log->start + (index - log->base_index - 1);
}
