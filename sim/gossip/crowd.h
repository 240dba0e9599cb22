/* A crowd: up to 16,000 nodes that do nothing but gossip (the very code of src/gossip), a network
 * between them, and a clock that jumps from event to event, in one thread. Nodes are numbered from
 * 0. The same seed gives the same run, always.
 *
 *     waiting: when each node wants to be called -----+
 *                                                     +--> the earliest: gossip_step() ---+
 *     parcels: datagrams in the air, by arrival ------+                                   |
 *         ^                                                                               |
 *         +--- lost, late, twice, or cut off (network) <--- datagrams <-------------------+
 *                                        sight, on_change <--- changes <------------------+
 *
 * Nothing here is kept for every pair of nodes but one bit (sight.h): what the nodes themselves
 * know of each other is what takes the memory. */
#pragma once
#include "base/containers/due.h"
#include "base/containers/heap.h"
#include "base/containers/histogram.h"
#include "base/containers/list.h"
#include "base/random.h"
#include "gossip/gossip.h"
#include "sim/gossip/ahead.h"
#include "sim/gossip/sight.h"

enum { CROWD_NODE_MAXIMUM = 16000, CROWD_PROGRESS_STEPS = 2000000 };
#define CROWD_SECOND_US UINT64_C(1000000)

struct crowd_node {
    struct gossip *gossip;  /* NULL: not running */
    struct due waiting;     /* for when it wants to be called; if it runs and is not stopped */
    int64_t clock_ahead_us; /* of its wall clock, before true time */
    uint8_t uuid[GOSSIP_UUID_BYTES];
    unsigned group;  /* datagrams pass within a group only: a partition is a number a node has */
    bool is_stopped; /* as by SIGSTOP: it gets what came meanwhile when it goes on */
    bool keeps_port; /* for all its lives, as seeds do */
    struct gossip_address address;
    uint64_t generation; /* of this life, or of the last */
    struct list inbox;   /* what came while it was stopped */
    size_t inbox_count;
};

/* A datagram in the air. */
struct parcel {
    struct list link;
    unsigned from, to;
    uint16_t to_port; /* whoever is there now may be another life */
    size_t length;
    uint8_t data[];
};

struct crowd_network {
    double loss, repeats;             /* chances of a datagram */
    uint64_t shortest_us, longest_us; /* its delay, by lot between these... */
    double late;                      /* ...but for this share, which take up to late_us */
    uint64_t late_us;
};

struct crowd_traffic { /* handed to the network since crowd_count_traffic() */
    uint64_t datagrams, bytes;
    uint64_t digests; /* datagrams by which two nodes begin to compare what they know */
};

struct crowd {
    struct crowd_node *nodes;
    unsigned node_count, running_count;
    struct gossip_pool *pool; /* what many know alike, kept once */
    struct gossip_scratch *scratch;
    struct due_heap waiting; /* struct crowd_node */
    struct heap flying;      /* struct parcel, by time of arrival */
    struct random random;
    uint64_t now_us;
    uint64_t work_us; /* that a step takes of the one processor that all share, and as much for each
                         datagram that it sends; 0: nothing */
    uint64_t busy_us; /* until then that is not free */
    struct gossip_timing timing;
    struct crowd_network network;
    struct crowd_traffic traffic;
    uint64_t step_count;
    struct ahead ahead;
    void (*on_progress)(const struct crowd *crowd);
    struct sight sight;
    struct histogram detections_us; /* of deaths, as their accusers measured them */
    uint64_t false_deaths; /* times that a node called one dead that ran and could be reached */
    /* Called for each change that a node notices, after `sight`; may be NULL. */
    void (*on_change)(void *context, unsigned observer, const struct gossip_change *change);
    void *context;
};

struct crowd_options {
    uint64_t seed;
    unsigned node_count;
    uint64_t work_us;
    struct gossip_timing timing;
    /* Called every CROWD_PROGRESS_STEPS steps: a long run shows how far it is. May be NULL. */
    void (*on_progress)(const struct crowd *crowd);
};

/* Nodes that do not run yet, in a network of 0.5 to 2 ms, with wall clocks that are some
 * milliseconds off. Returns owned. */
struct crowd *crowd_new(const struct crowd_options *options);
void crowd_free(struct crowd *crowd);

/* A life begins: generation + 1, on a port of its own unless it keeps one; it knows nobody. */
void crowd_start(struct crowd *crowd, unsigned node);
void crowd_kill(struct crowd *crowd, unsigned node);
void crowd_stop(struct crowd *crowd, unsigned node);
void crowd_resume(struct crowd *crowd, unsigned node);
/* Says goodbye, and ends. */
void crowd_leave(struct crowd *crowd, unsigned node);
void crowd_seed(struct crowd *crowd, unsigned node, unsigned seed);
/* The settings of that one, in this life of it. */
void crowd_set_timing(struct crowd *crowd, unsigned node, const struct gossip_timing *timing);
/* An empty value removes the key. */
void crowd_set(struct crowd *crowd, unsigned node, struct bytes key, struct bytes value);
/* Straight to the node, as if it had come from an address of the network. */
void crowd_hand(struct crowd *crowd, unsigned node, const struct gossip_address *from,
                struct bytes datagram);

/* Runs to that moment. */
void crowd_run(struct crowd *crowd, uint64_t duration_us);
/* Until the condition holds, which is asked after every 10 ms; false if the time is over first. */
bool crowd_run_until(struct crowd *crowd, uint64_t longest_us, bool (*holds)(const struct crowd *),
                     uint64_t *took_us);
/* Every running node sees exactly those alive that run, in their present lives. */
bool crowd_is_settled(const struct crowd *crowd);
void crowd_count_traffic(struct crowd *crowd);

/* The node behind a UUID, or CROWD_NODE_MAXIMUM. */
unsigned crowd_node_of(const struct crowd *crowd, const uint8_t uuid[GOSSIP_UUID_BYTES]);
bool crowd_is_running(const struct crowd *crowd, unsigned node);
unsigned crowd_any_running(struct crowd *crowd); /* by lot; at least one must run */
