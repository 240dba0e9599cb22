/* What the log knows of one shard, by all its records so far. */
#pragma once
#include "store/record/format.h"

struct wal_shard {
    struct wal_state state;
    uint64_t snapshot_index, snapshot_term;
    bool is_forgotten; /* once: what it held is void, its promises stand */
    /* Where a log of it ended that was forgotten, or of which damage took a part; 0, 0: none. */
    uint64_t floor_index, floor_term;
    uint64_t record_count, end_index; /* over the whole log; where its entries end */
    uint64_t changed_round;           /* of its last record here */
    uint64_t released_index; /* no entry up to here is needed; never below snapshot_index after
                                recovery */
};

static inline bool wal_shard_is_worth_saving(const struct wal_shard *shard) {
    return shard->state.term || shard->state.vote || shard->snapshot_index || shard->snapshot_term;
}
