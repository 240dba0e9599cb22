/* A cluster under random events, and what is true of it, whatever its nodes believe. */
#pragma once
#include "base/random.h"
#include "cluster.h"

enum { TERM_MAXIMUM = 8192, READ_WAITING_MAXIMUM = 256, WANTED_MAXIMUM = 64 };

struct truth_entry {
    raft_term term;
    uint32_t checksum;
};
struct waiting_read {
    uint64_t id;
    raft_index least_index;
};
struct wanted {
    raft_node_number from, to;
};
struct world {
    struct cluster *cluster;
    struct random random;
    bool is_cut[CLUSTER_NODE_MAXIMUM + 1][CLUSTER_NODE_MAXIMUM + 1];
    struct truth_entry *committed; /* [i] is index i + 1 */
    size_t committed_count, committed_capacity;
    raft_node_number leader_of[TERM_MAXIMUM];
    struct waiting_read reads[READ_WAITING_MAXIMUM];
    size_t read_count;
    uint64_t next_read;
    struct wanted wanted[WANTED_MAXIMUM];
    size_t wanted_count;
    enum raft_standing standings[CLUSTER_NODE_MAXIMUM]; /* the truth; not all have heard of it */
    /* That something happened at all. */
    uint64_t leads, moves, leases, answers, installs, changes, quiets, equals, damages, cores;
    /* The temper of this seed. */
    uint64_t rare_percent; /* of all steps: how stormy it is */
    double propose_chance;
    bool is_hunting;           /* leaders often die before they commit anything */
    bool is_forgetting;        /* voters often die before they are asked */
    bool is_changing;          /* the voters are changed */
    struct raft_timing timing; /* at first */
    bool is_tuning;            /* so are the times, while nodes run and before they start */
    raft_node_number rotting;  /* its disk loses parts of the log; 0: nobody's */
    bool is_filling;           /* disks are full for a while */
    bool is_tearing;           /* of what is sent a part cannot be read */
    uint64_t wish;             /* the newest of the owner's */
    uint64_t committed_wish;
    char failure[256];
};

/* ---- random_truth.c: the promises of Raft (CBTR figure 3.2) ---- */

/* The first failure counts; the numbers are what its words say. */
void truth_fail(struct world *world, const char *text, uint64_t a, uint64_t b);
/* After every step of a node; the world is its context. */
void truth_watch(void *context, struct cluster_node *node, const struct raft_actions *actions);
/* Log matching, between all pairs. */
void truth_logs_check(struct world *world);
/* No lease promises a read that would be stale. */
void truth_leases_check(struct world *world);

/* ---- random_core.c ---- */

/* All run, and nothing is cut: then all but one node commit by themselves. */
void core_check(struct world *world);

/* ---- random_events.c: what happens ---- */

/* Something, by lot. */
void event_any(struct world *world);
/* Its reads are never answered. */
void event_crash(struct world *world, struct cluster_node *node);
/* So much time passes, and all look at their deadlines. */
void event_tick_all(struct world *world, uint64_t passed_us);
/* One that a leader asked for: arrives, or is refused. */
void event_snapshot_transfer(struct world *world);
/* All hear what is true of all. */
void event_standings_tell(struct world *world);
