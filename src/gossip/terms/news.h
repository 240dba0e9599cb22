/* News: which goes first, and how its way is measured. */
#pragma once
#include "base/bytes.h"

/* What goes first where there is not room for all. Each has a guaranteed share, so that none
 * starves (broadcast.h). */
enum gossip_priority {
    GOSSIP_URGENT,  /* deaths, farewells, refutations; never keys */
    GOSSIP_CLUSTER, /* who comes, who is suspected; keys: leaders, the slot map's epoch */
    GOSSIP_STATE,   /* what a node says of its own state */
    GOSSIP_REST     /* everything else */
};
enum { GOSSIP_PRIORITY_COUNT = GOSSIP_REST + 1 };

/* What kind a piece of news is, as its way is measured. */
enum gossip_news_type {
    GOSSIP_NEWS_JOIN,
    GOSSIP_NEWS_SUSPICION,
    GOSSIP_NEWS_REFUTATION,
    GOSSIP_NEWS_DEATH,
    GOSSIP_NEWS_LEAVE,
    GOSSIP_NEWS_CLUSTER, /* keys, by their priority */
    GOSSIP_NEWS_STATE,
    GOSSIP_NEWS_REST,
    GOSSIP_NEWS_MENDED /* keys that the push missed, found by comparing */
};
enum {
    GOSSIP_NEWS_TYPE_COUNT = GOSSIP_NEWS_MENDED + 1,
    GOSSIP_PROPAGATION_MAXIMUM = 64, /* measured in one step; what is more is not told of */
    GOSSIP_TRACE_DIGITS = 8
};

/* One piece of news that this node heard first in this step (propagation.h). */
struct gossip_propagation {
    enum gossip_news_type type;
    uint32_t trace; /* the same on all nodes; shown as 8 hex digits */
    uint64_t delay_us;
};
