/* What a leader was asked to do and has not yet told the end of: the commands that are gathered for
 * the next entry, and the entries behind them that are under way (propose.c, apply.c).
 *
 *     waiters   w w w w | w w | w w w        whoever waits for a command, oldest first
 *     entries   [ 417  ] [418]   \ batch     each entry says how many of them are its own
 */
#pragma once
#include "base/buffer.h"
#include "base/containers/queue.h"
#include "raft/raft.h"

/* One proposed entry whose commands are waited for. */
struct pending_entry {
    raft_index index;
    raft_term term;
    uint32_t waiter_count;
    uint64_t proposed_us;
    bool is_given_up; /* timed out: its waiters were told SHARD_UNKNOWN */
};

/* The commands of this turn, which become one entry. */
struct shard_batch {
    struct buffer commands; /* room for the heads of an entry, then the commands, encoded */
    size_t expected_bytes;  /* as many commands as in the last one, and some more */
    uint64_t begun_us;      /* when its first command came */
    uint32_t count;
    uint32_t async_count, sync_count; /* who waits for those */
    uint32_t trace_count;
    struct buffer traces;    /* of the batch, encoded */
    struct bytes next_trace; /* of the command that is proposed next; borrowed */
};

struct shard_proposed {
    struct queue waiters; /* struct shard_waiter: of all pending entries, then of the batch */
    struct queue entries; /* struct pending_entry */
    uint32_t asked_count; /* of the waiters: somebody is behind them, and not told yet */
    bool is_crowded;      /* somebody was refused for want of room, and there is not much yet */
};
