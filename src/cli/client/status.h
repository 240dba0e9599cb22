/* What one node says of itself and of its cluster: the reply of TROTHDB STATUS, decoded. A reply
 * may have more fields than this release knows; they are read over. */
#pragma once
#include "cli/client/client.h"
#include "cluster/topology.h"

enum {
    CLUSTER_ASK_MS = 3000, /* as a rule: how long nodes have, one or all, to answer a question */
    STATUS_WORD_BYTES = 24,
    STATUS_ID_BYTES = 41,      /* 40 hex digits, as in CLUSTER NODES; of which */
    STATUS_UUID_DIGITS = 32,   /* the first are the UUID */
    STATUS_CLUSTER_BYTES = 33, /* 32 hex digits */
    STATUS_REASON_BYTES = 128,
    STATUS_ADDRESS_BYTES = NET_HOST_MAXIMUM + 10
};

struct survey_answer;

struct status_node {
    uint32_t number;
    char id[STATUS_ID_BYTES];
    struct topology_address address;
    char state[STATUS_WORD_BYTES]; /* by gossip: "alive", "suspect"... */
    bool is_self;
};

struct status_shard {
    uint32_t number;
    char *slots; /* owned: "0-1364,5461-6826", empty for the control shard */
    uint32_t replicas[TOPOLOGY_REPLICA_MAXIMUM]; /* that are wanted, */
    unsigned replica_count;
    uint64_t wanted_epoch; /* since when, */
    bool is_settled;       /* and whether they vote and nobody else */
};

struct status_replica {
    uint32_t shard;
    char role[STATUS_WORD_BYTES];
    uint64_t term;
    uint32_t leader; /* node number; 0: not known */
    uint64_t applied_index, commit_index, last_index, snapshot_index;
    uint64_t learner_round,
        learner_index;           /* of a leader: who is furthest behind; 0: nobody learns */
    bool is_joint;               /* old and new replicas vote together */
    uint64_t last_term, time_ms; /* of the last entry; stamp of the last applied one */
    uint32_t given_up;           /* who learnt, was given up and is tried again; 0: nobody */
    char give_up_text[STATUS_REASON_BYTES];
};

struct status_member {
    char uuid[STATUS_CLUSTER_BYTES], name[64];
    char peer[STATUS_ADDRESS_BYTES], client[STATUS_ADDRESS_BYTES];
    char admin[STATUS_ADDRESS_BYTES]; /* empty: not told */
    char state[STATUS_WORD_BYTES], cluster[STATUS_CLUSTER_BYTES];
    uint32_t removed; /* its number in the cluster before it was removed from it; 0: it was not */
};

struct status {
    char version[64], cluster[STATUS_CLUSTER_BYTES]; /* an empty cluster: a spare */
    uint64_t epoch;
    uint32_t self;
    char id[STATUS_ID_BYTES];
    struct status_node *nodes;
    struct status_shard *shards;
    struct status_replica *replicas;
    struct status_member *members;
    size_t node_count, shard_count, replica_count, member_count;
};

/* ERR_MALFORMED leaves nothing to release. */
int status_decode(struct status *status, const struct response *reply) MUST_CHECK;
void status_release(struct status *status); /* may be called again, and on a zeroed struct */

/* Connects, asks, closes. On error `problem` (CLIENT_PROBLEM_BYTES) says what failed, and nothing
 * is to be released. */
int status_fetch(struct status *status, const struct net_address *address, int timeout_ms,
                 char *problem) MUST_CHECK;

/* Of many nodes at once, within one time for all. Returns how many did not answer. */
struct status_answer {
    struct net_address address; /* whom to ask: set it, */
    bool is_doubtful;           /* perhaps this (survey.h), and nothing else */
    int error; /* ERR_IO: no answer; ERR_REFUSED, ERR_MALFORMED: one that is no status */
    char problem[CLIENT_PROBLEM_BYTES]; /* of an error, else "" */
    bool is_silent;       /* no answer, though somebody listens there: it may only stand still */
    struct status status; /* zeroed if there was an error; to be released */
};
size_t status_fetch_all(struct status_answer *answers, size_t count, int timeout_ms);

/* Asks all nodes of the cluster something else (survey.h): one answer for each of its nodes, owned,
 * to be released and freed. */
struct survey_answer *status_survey(const struct status *cluster, const struct bytes *words,
                                    size_t word_count, int timeout_ms);

const struct status_node *status_node(const struct status *status, uint32_t number); /* or NULL */
const struct status_replica *status_replica(const struct status *status,
                                            uint32_t shard); /* or NULL */
/* Shall the node hold the shard? */
bool status_shard_wants(const struct status_shard *shard, uint32_t node);
const struct status_member *status_member(const struct status *status,
                                          const char *uuid); /* or NULL */
/* Client, peer and admin port and the host that this node tells of itself, whether it is a spare or
 * not. False if it does not (yet). */
bool status_own_address(const struct status *status, struct topology_address *address);
void status_node_client(const struct status_node *node, struct net_address *client);
/* Gossip holds it for dead, or may soon. */
bool status_node_is_doubtful(const struct status_node *node);
