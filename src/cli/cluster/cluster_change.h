/* What the subcommands share that ask for a change, look until it is done, and show how far it is.
 */
#pragma once
#include "cli/cluster/cluster.h"

enum { CHANGE_SHOWN_BYTES = 320 };

struct change {
    struct net_address at; /* a node of the cluster */
    bool is_json;
    int64_t wait_s;
    bool redraws;
    char shown[CHANGE_SHOWN_BYTES]; /* the last line of progress */
};

/* --at, --wait, --json and so many operands, or a usage message and an error. */
int change_read(struct change *change, const char *name, const char *line, int argc, char **argv,
                int operands) MUST_CHECK;
void change_show(struct change *change, const char *text);
/* Prints, and returns the exit code. */
int change_fail(const struct change *change, const char *what, const char *why);
/* Looks again and again. `is_done` shows its progress itself. False: the time is over. */
bool change_wait(struct change *change, bool (*is_done)(struct change *change, void *context),
                 void *context);
/* The same, but no longer than it takes until gossip tells of a node whether it is alive. */
bool change_wait_heard(struct change *change, bool (*is_done)(struct change *change, void *context),
                       void *context);

/* Which nodes shall hold a shard. */
struct wish {
    uint32_t shard, nodes[TOPOLOGY_REPLICA_MAXIMUM];
    unsigned count;
};
/* Asks for it, and does not wait. On error `problem` (CLIENT_PROBLEM_BYTES) says what failed. */
int change_ask_replicas(struct change *change, const struct wish *wish, char *problem) MUST_CHECK;
/* Asks for it and waits until it is so. An exit code: EXIT_OK, or what change_fail() said.
 */
int change_replicas(struct change *change, const struct wish *wish);
/* The node's number; 0: no node of the cluster is there. */
uint32_t change_node_at(const struct status *cluster, const struct net_address *client);
