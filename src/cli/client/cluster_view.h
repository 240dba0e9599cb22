/* A whole cluster, as its nodes tell it. */
#pragma once
#include "cli/client/status.h"

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
struct cluster_lead cluster_view_lead(const struct cluster_view *view, uint32_t shard);
/* The replica that leads the shard; NULL if nobody does. */
const struct status_replica *cluster_view_leader(const struct cluster_view *view, uint32_t shard);
/* What the node says; NULL if it does not answer, or another one sits at its address. */
const struct status *cluster_view_of(const struct cluster_view *view, uint32_t node_number);
/* The same of the node at this place in asked.nodes. */
const struct status *cluster_view_at(const struct cluster_view *view, size_t at);
/* How many nodes have not heard, for all that is known, who was given up last: by what they know,
 * those still vote. */
size_t cluster_view_count_unaware(const struct cluster_view *view);
