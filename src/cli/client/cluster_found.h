/* Founding a cluster out of spares, and waiting until it serves. */
#pragma once
#include "cli/client/status.h"

enum {
    CLUSTER_SHARDS_DEFAULT = 12,
    CLUSTER_REPLICAS_DEFAULT = 3,
    CLUSTER_STARTING_MS = 15000, /* how long nodes that were just started have to answer */
    CLUSTER_READY_MS = 30000,    /* how long a founded cluster has to elect all its leaders */
    CLUSTER_PROBLEM_BYTES = 4096 /* a node */
};

struct founding {
    const struct net_address *clients; /* client addresses of the spares, borrowed */
    unsigned node_count, shard_count, replica_count;
    unsigned wait_ms; /* for nodes that do not answer yet, or do not know yet where they listen */
    /* Called meanwhile, again and again: for how many, and for whom among others. NULL: nobody is
     * told. */
    void (*waits)(void *context, unsigned count, const struct net_address *client);
    void *context;
};

/* Asks all nodes, for as long as some may be starting, refuses (ERR_REFUSED) unless each is a
 * reachable spare and none is named twice, and gives each the topology. What is wrong with which
 * node, one line each, goes to `problem`: after an error no node was changed; after 0 a line there
 * names a node that has not taken the topology yet and will get it from the others. */
int cluster_found(const struct founding *founding, char cluster[STATUS_CLUSTER_BYTES],
                  struct buffer *problem) MUST_CHECK;

/* How many nodes of the cluster to which the node at `client` belongs see a leader for every shard,
 * and the leader agrees. */
unsigned cluster_count_ready(const struct net_address *client);
