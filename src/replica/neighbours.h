/* What gossip says of the nodes of this cluster, as far as it matters to Raft: how long a round
 * trip takes, how gladly they lead, and when one of them does not answer any more. */
#pragma once
#include "raft/raft.h"

struct worker;
struct metric_cell;

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

/* The worker's members are new: shards whose leader is suspected now are told, and those whose
 * standing changed. */
void neighbours_hear(struct worker *worker);
/* The node was just heard by Raft: gossip is told so, a few times a second. */
void neighbours_contact(struct worker *worker, raft_node_number number);
/* Now and then the shards learn how long an election takes, and the metrics how far followers are
 * behind. */
void neighbours_tick(struct worker *worker);
void neighbours_release(struct neighbours *neighbours);
