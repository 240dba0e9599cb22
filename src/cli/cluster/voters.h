/* Who votes for each shard by the logs of one node: the reply of TROTHDB VOTERS, decoded. */
#pragma once
#include "io/net.h"
#include "raft/raft.h"

/* One replica. */
struct voters {
    uint32_t shard;
    uint64_t last_term, last_index;
    uint64_t coming_term, coming_index; /* of a snapshot that comes in; 0: none, or not told */
    struct raft_configuration members;  /* voters and old voters only */
};

struct voters_list {
    struct voters *replicas;
    size_t count;
};

/* Of many nodes at once, within one time for all: one list for each address. On error `problem`
 * (CLIENT_PROBLEM_BYTES) says what failed first; the lists are to be released in any case. */
int voters_fetch_all(struct voters_list *lists, const struct net_address *addresses, size_t count,
                     int timeout_ms, char *problem) MUST_CHECK;
void voters_release(struct voters_list *list); /* also of a zeroed one */
const struct voters *voters_of(const struct voters_list *list, uint32_t shard); /* or NULL */
/* Raft's own order: a log that ends in a later term holds all that is committed (5.4.1). */
bool voters_is_ahead(const struct voters *a, const struct voters *b);
/* Will `a` be, once the snapshot is in place that comes in there? */
bool voters_comes_ahead(const struct voters *a, const struct voters *b);
/* Are these nodes enough to elect a leader, and to commit? `is_left` is asked of each. */
bool voters_have_majority(const struct voters *voters,
                          bool (*is_left)(const void *context, uint32_t node), const void *context);
