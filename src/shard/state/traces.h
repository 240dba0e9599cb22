/* The commands whose way through this replica is told to the log (trace.c). */
#pragma once
#include "base/containers/queue.h"
#include "shard/machine/payload.h"
#include "shard/state/moments.h"

/* A command with a trace id whose entry stands here, or an entry that was slow (trace.c). */
struct shard_trace {
    raft_index index;
    raft_term term;
    bool is_looked_back;   /* the whole entry, after the fact */
    uint32_t position;     /* in the entry, of a command */
    uint64_t wal_sequence; /* 0: not appended yet */
    uint64_t begun_us;
    bool is_durable, is_committed, is_applied;
    char id[PAYLOAD_TRACE_ID_MAXIMUM + 1];
};

struct shard_tracing {
    struct queue traces;  /* struct shard_trace, of entries that are under way here */
    struct queue awaited; /* struct shard_trace, of entries that have not come yet */
    struct moments moments;
};
