/* Writes the packages into a cluster, or reads them back, as fast as it takes them: pipelined,
 * every row to the leader of its shard.
 *
 *     rows ──> range of slots ──> its leader's connection ──> in flight ──> acknowledged
 *                ^    │ the leader is away, or not the leader                       │
 *                │    └──> set aside, tried again in a moment                       │
 *                └──── MOVED ───────────────────────────────────────────────────────┘
 *
 * A row counts as acknowledged only when its reply has come. A row whose reply was lost with its
 * connection is sent again: HSET of the same fields is the same however often it is done. While a
 * range's leader is in doubt a single row is out to find it; the others wait aside, and the load of
 * all other ranges goes on. */
#pragma once
#include "cli/client/client.h"
#include "cli/demo/packages.h"
#include "slot/slot.h"

enum {
    LOADER_NODE_MAXIMUM = 64,
    LOADER_WINDOW_ROWS = 256,      /* in flight to one node */
    LOADER_WINDOW_BYTES = 1 << 20, /* queued to one node */
    LOADER_ASIDE_ROWS = 4096,      /* past it no new rows are taken */
    LOADER_RETRY_US = 5000,
    LOADER_RECONNECT_US = 50000,
    LOADER_STALL_US = 30 * 1000000, /* without one acknowledged row: an error */
    LOADER_CONNECT_MS = 2000
};

enum loader_mode { LOADER_WRITE, LOADER_READ };

/* A range of slots: what one shard owns, as far as clients know. */
struct loader_range {
    slot_number first, last;
    unsigned leader; /* index into the nodes */
    bool is_uncertain;
    unsigned in_flight;
    /* From loader_watch() on: when, and by whom, its first row after that was acknowledged. */
    bool is_watched;
    unsigned watched_leader;
    uint64_t taken_over_us; /* 0: not yet */
    unsigned taken_over_by;
};

struct loader;

/* Connects to the node and asks it for the slots. On error NULL, and `problem`
 * (CLIENT_PROBLEM_BYTES) says what failed. Borrows the packages. */
struct loader *loader_new(const struct packages *packages, const struct net_address *node,
                          char *problem);
void loader_free(struct loader *loader);

/* LOADER_READ reads what LOADER_WRITE got acknowledged and compares it. */
void loader_begin(struct loader *loader, enum loader_mode mode);
/* Waits at most `timeout_ms` for replies, takes them, sends more. ERR_IO or ERR_REFUSED with a
 * loader_problem(). */
int loader_turn(struct loader *loader, int timeout_ms) MUST_CHECK;
const char *loader_problem(const struct loader *loader);

bool loader_is_done(const struct loader *loader);
size_t loader_done_count(const struct loader *loader); /* acknowledged, or read back */
size_t loader_in_flight(const struct loader *loader);
size_t loader_lost_count(const struct loader *loader);     /* acknowledged, and not there */
size_t loader_differ_count(const struct loader *loader);   /* there, with other fields */
size_t loader_repeated_count(const struct loader *loader); /* sent again, their reply lost */

/* Watches the ranges that this node leads: it is about to be killed. Returns how many. */
unsigned loader_watch(struct loader *loader, const struct net_address *leader);
bool loader_is_taken_over(const struct loader *loader); /* all that are watched */
size_t loader_range_count(const struct loader *loader);
const struct loader_range *loader_range(const struct loader *loader, size_t index);
const struct net_address *loader_node(const struct loader *loader, unsigned index);
