/* The seeds of the setting `join`, and of GOSSIP SEED. Those that are IP addresses the gossiper
 * knows; names are looked up here, again and again, because what they stand for may change
 * (a restarted container, a service of Kubernetes). */
#pragma once
#include "base/buffer.h"
#include "base/log.h"
#include "io/net.h"
#include <uv.h>

enum {
    SEEDS_MAXIMUM = 64,
    SEEDS_LOOKUP_FIRST_MS = 500, /* after the first look-up; doubled from one to the next */
    SEEDS_LOOKUP_LAST_MS = 10000 /* as long as gossip waits between two probes of a seed */
};

struct seed_name {
    struct net_name where;
    bool is_pending;
    bool has_failed; /* the last time: said once, not each time */
    uv_getaddrinfo_t request;
    struct seeds *seeds;
};

struct seeds {
    struct seed_name names[SEEDS_MAXIMUM];
    unsigned count;
    uv_timer_t timer;
    uint64_t pause_ms; /* before the next look-up */
    const struct log *log;
    void (*found)(void *context, const struct net_address *address);
    void *context;
    bool is_closing;
};

/* Is this "host:port,host:port..."? ERR_INVALID, ERR_LIMIT, with a sentence in `problem`. Fills
 * only `names`, with those that are no IP addresses. */
int seeds_parse(struct seeds *seeds, const char *join, struct buffer *problem) MUST_CHECK;
/* One more, while they are looked up: at once, then with the others; one that is there already is
 * looked up anew. ERR_INVALID if it is not host:port, ERR_LIMIT, with a sentence. */
int seeds_add(struct seeds *seeds, struct bytes text, struct buffer *problem) MUST_CHECK;
void seeds_start(struct seeds *seeds, uv_loop_t *loop, const struct log *log,
                 void (*found)(void *context, const struct net_address *address), void *context);
void seeds_close(struct seeds *seeds); /* then the loop has to run */
