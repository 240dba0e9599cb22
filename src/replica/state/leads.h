/* What is kept of who had better lead (leads/). */
#pragma once
#include "raft/events/entry.h"
#include "raft/events/role.h"
#include "worker/worker.h"

struct metric_cell;

/* What gossip says of a node of this cluster. */
struct neighbour {
    raft_node_number number;
    enum raft_standing standing;
    uint64_t round_trip_us;          /* smoothed; 0: not measured yet */
    bool is_suspected;               /* suspect, dead or gone */
    uint64_t contact_us;             /* when gossip was told last that it was heard */
    uint64_t lag_entries, lag_bytes; /* of its replicas, behind those that lead here */
    struct metric_cell *lag_entries_cell, *lag_bytes_cell;
};
struct neighbours {
    struct neighbour *all; /* in no order; nodes that left stay until the worker ends */
    size_t count, capacity;
};

/* How gladly this node leads, as this worker sees and says it. */
struct standing {
    bool is_disk_slow;                   /* as said last */
    uint64_t disk_turned_us;             /* since when the disk is otherwise; 0: it is not */
    uint64_t rounds_seen, round_seen_us; /* of the log, and when one was last under way */
    uint64_t said, said_us;              /* the node's reasons as bits, and since when */
    enum raft_standing told;             /* to the shards here */
    const char *told_reason;
};

/* When, and for which shard, leads are given back next. */
struct preferred {
    uint64_t next_us; /* not before */
    unsigned next;    /* of the hosted shards: all have their turn */
};
