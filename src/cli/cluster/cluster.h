/* What the subcommands of `trothdb cluster` share, and the demo and the drill with them: founding a
 * cluster out of spares, seeing it whole, telling it what to do. */
#pragma once
#include <stdio.h>

#include "base/exit_code.h"
#include "cli/client/client.h"
#include "cli/client/status.h"

enum {
    CLUSTER_SHARDS_DEFAULT = 12,
    CLUSTER_REPLICAS_DEFAULT = 3,
    CLUSTER_STARTING_MS = 15000, /* how long nodes that were just started have to answer */
    CLUSTER_READY_MS = 30000,    /* how long a founded cluster has to elect all its leaders */
    CLUSTER_POLL_MS = 50,
    CLUSTER_ASK_MS = 3000,
    CLUSTER_PROBLEM_BYTES = 4096
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

/* Who leads a shard, by the highest term seen. */
struct cluster_lead {
    uint32_t node; /* 0: nobody does */
    const struct status_replica *replica;
};

/* The whole cluster as its nodes tell it. */
struct cluster_view {
    struct status asked;         /* of the node that was asked first: the topology */
    struct status_answer *nodes; /* one for each of asked.nodes */
    struct cluster_lead *leads;  /* by the shard's number */
};
int cluster_view_fetch(struct cluster_view *view, const struct net_address *client,
                       char *problem) MUST_CHECK;
/* Finds who leads what, once all else is there. */
void cluster_view_find_leads(struct cluster_view *view);
void cluster_view_release(struct cluster_view *view);
/* The replica that leads the shard; NULL if nobody does. */
const struct status_replica *cluster_view_leader(const struct cluster_view *view, uint32_t shard);
/* What the node says; NULL if it does not answer, or another one sits at its address. */
const struct status *cluster_view_of(const struct cluster_view *view, uint32_t node_number);
/* How many nodes have not heard, for all that is known, who was given up last: by what they know,
 * those still vote. */
size_t cluster_view_count_unaware(const struct cluster_view *view);

void cluster_print_tables(const struct cluster_view *view, struct buffer *out);
void cluster_print_json(const struct cluster_view *view, struct buffer *out);

/* Has one node run a command; a refusal's words are the problem. ERR_REFUSED, ERR_IO, ERR_UNKNOWN
 * (it was sent, and nothing certain came back) with `problem` (CLIENT_PROBLEM_BYTES). */
int cluster_tell(const struct net_address *address, const struct bytes *arguments, size_t count,
                 char *problem) MUST_CHECK;
/* Has the leader of the control shard run a command, which must be one that may be said twice. `at`
 * is any node. ERR_REFUSED, ERR_IO: it is not done; ERR_UNKNOWN: it may be done already, or yet,
 * when nodes come back; with `problem` (CLIENT_PROBLEM_BYTES). */
int cluster_ask_control(const struct net_address *at, const struct bytes *arguments, size_t count,
                        char *problem) MUST_CHECK;
/* What is said above such a problem: `refused`, or that nobody knows. */
const char *cluster_asked_heading(int error, const char *refused);

/* What the subcommands share. */
#define CLUSTER_CREATE_LINE   "create H:P H:P H:P [--shards 12] [--replicas 3] [--wait 15] [--json]"
#define CLUSTER_STATUS_LINE   "status [H:P] [--json]"
#define CLUSTER_ADD_LINE      "add H:P --at H:P [--wait 600] [--json]"
#define CLUSTER_REPLICAS_LINE "replicas SHARD H:P[,H:P...] --at H:P [--wait 600] [--json]"
#define CLUSTER_REMOVE_LINE   "remove H:P --at H:P [--wait 600] [--json]"
#define CLUSTER_REPLACE_LINE  "replace H:P H:P --at H:P [--wait 600] [--json]"
#define CLUSTER_RECOVER_LINE  "recover H:P[,H:P...] [--dry-run] [--yes] [--wait 600] [--json]"
#define CLUSTER_SET_LINE      "set NAME VALUE [NAME VALUE...] --at H:P [--wait 60] [--json]"
#define CLUSTER_UNSET_LINE    "unset NAME [NAME...] --at H:P [--wait 60] [--json]"
#define CLUSTER_SETTINGS_LINE "settings [PATTERN] [--at H:P] [--all] [--json]"
#define CLUSTER_LEADER_LINE   "leader SHARD H:P --at H:P [--wait 600] [--json]"

#define CLUSTER_AT_MISSING "--at is missing: name any node of the cluster by its client port"

uint64_t cluster_now_ms(void);
/* Each prints, and returns the exit code. With --json an answer is always one object. */
int cluster_fail(bool is_json, const char *what, struct bytes why);
int cluster_print(const struct net_address *client, bool is_json);
/* What is wrong with the words of a subcommand, then how they go: `line` as "status H:P". */
int cluster_usage(bool is_json, const char *line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same, where other operands came than the `wanted` that there are to be. */
int cluster_usage_operands(bool is_json, const char *line, char **operands, int count, int wanted);

int cluster_add(int argc, char **argv);
int cluster_replicas(int argc, char **argv);
int cluster_remove(int argc, char **argv);
int cluster_replace(int argc, char **argv);
int cluster_recover(int argc, char **argv);
int cluster_set(int argc, char **argv);
int cluster_unset(int argc, char **argv);
int cluster_settings(int argc, char **argv);
int cluster_leader(int argc, char **argv);

/* `trothdb cluster`: arguments behind the name; the exit code of the process. */
int cluster_run(int argc, char **argv);
