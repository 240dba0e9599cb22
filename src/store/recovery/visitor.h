/* What a log that is read back tells, and how it is said what is wrong with it. */
#pragma once
#include "base/bytes.h"

/* What recovery replays, in the order it was written. Bytes are borrowed for the call. A non-zero
 * return stops it. */
struct wal_visitor {
    /* Before the first record: what comes of the shard's entries up to `index` need not be kept,
     * unless it is forgotten on the way, for a snapshot's mark that comes later voids it. NULL: of
     * no interest. */
    void (*covered)(void *context, uint32_t shard, uint64_t index);
    int (*entry)(void *context, uint32_t shard, struct bytes encoded_entry);
    int (*truncate)(void *context, uint32_t shard, uint64_t from_index);
    int (*state)(void *context, uint32_t shard, uint64_t term, uint32_t vote);
    /* The shard's state up to index lives in a snapshot file; its entries up to there are void. */
    int (*snapshot)(void *context, uint32_t shard, uint64_t index, uint64_t term);
    /* The shard's entries and snapshot so far are void: its replica was removed when its log ended
     * at `index`. Term and vote stand. NULL: of no interest. */
    int (*forget)(void *context, uint32_t shard, uint64_t index, uint64_t term);
    /* Damage took a part of the shard's log, which ended there. NULL: of no interest. */
    int (*floor)(void *context, uint32_t shard, uint64_t index, uint64_t term);
    void *context;
};

struct wal_problem {
    char text[512]; /* one sentence: what is wrong, where, what to do */
};
