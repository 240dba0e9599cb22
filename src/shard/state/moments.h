/* When the newest entries of this replica came how far: kept for all, since which of them was slow
 * is known only when it is over (trace.c). A ring by index: of an entry that is further back
 * nothing is known any more. Nothing is allocated before the first entry is noted, and no clock is
 * read.
 *
 *      index   term   begun        appended  durable  committed  applied   acknowledged by 2, 3
 *   ..  417      3    12:00:00.1         40      980       2100     2110          -,  2050
 *       418      3    12:00:00.2         35        -          -        -          -,     -
 */
#pragma once
#include "base/memory.h"
#include "raft/raft.h"
#include <assert.h>

enum {
    MOMENTS_ENTRY_MAXIMUM = 128,
    /* Whose acknowledgements are kept; of more, the first to come. Who acknowledged nothing that is
     * still in the ring, such as a replica that was moved away, gives its place to the next. */
    MOMENTS_PEER_MAXIMUM = 6
};

enum moment {
    MOMENT_APPENDED, /* handed to this node's log */
    MOMENT_DURABLE,
    MOMENT_COMMITTED,
    MOMENT_APPLIED,
    MOMENT_COUNT
};

struct moments_entry {
    raft_index index; /* 0: none */
    raft_term term;
    uint64_t begun_us; /* on the leader: its first command came; else: it came */
    /* Since then, and one more, so that 0 is "not yet"; longer than an hour is an hour. */
    uint32_t reached_us[MOMENT_COUNT];
    uint32_t acknowledged_us[MOMENTS_PEER_MAXIMUM]; /* by place in moments->peers */
};
/* Of many shards none finds its ring in a cache, so an entry is to be on one line of memory. */
static_assert(sizeof(struct moments_entry) == 64, "an entry takes one line of memory");

struct moments {
    struct moments_entry *ring;        /* owned; NULL: nothing was noted yet */
    raft_index noted_to[MOMENT_COUNT]; /* by stage: up to there it is noted, or need not be */
    struct {
        raft_node_number node;
        raft_index noted_to; /* 0: the place is free */
    } peers[MOMENTS_PEER_MAXIMUM];
};

/* Asks for the memory of the entry at `index` (base/memory.h). */
static inline void moments_fetch(const struct moments *moments, raft_index index) {
    if (moments->ring)
        memory_fetch(&moments->ring[index % MOMENTS_ENTRY_MAXIMUM]);
}
void moments_release(struct moments *moments);

void moments_append(struct moments *moments, const struct raft_entry *entry, uint64_t begun_us,
                    uint64_t now_us);
/* All entries up to `index` have come so far, those that had not at `now_us`. */
void moments_reach(struct moments *moments, enum moment stage, raft_index index, uint64_t now_us);
void moments_acknowledge(struct moments *moments, raft_node_number peer, raft_index index,
                         uint64_t now_us);
void moments_truncate(struct moments *moments, raft_index from);
/* NULL: it never stood here, or is gone from the ring. Borrows. */
const struct moments_entry *moments_find(const struct moments *moments, raft_index index,
                                         raft_term term);
