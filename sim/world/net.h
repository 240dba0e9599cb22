/* The network between nodes. It carries two things, and breaks both by lot or by order of faults.c:
 *
 *   datagrams      each is lost, doubled, delayed on its own: they overtake each other
 *   peer streams   one from every thread to every peer: ordered, whole, slow at times; across a
 *                  partition what was sent waits (the other end's system would repeat it) until
 *                  the partition ends or the stream gives up; then all that was under way is
 *                  lost, the sender hears of it, and the stream is made anew; or what was lost
 *                  comes late, and the last of what had come comes again (echo.h)
 *
 * The owner of a node's threads gives the deliveries (struct sim_net_owner). */
#pragma once
#include "base/buffer.h"
#include "base/random.h"
#include "io/net.h"
#include "sim/world/event.h"
#include "sim/world/fifo.h"
#include "sim/world/trace.h"

enum {
    SIM_NODE_MAXIMUM = 9,
    SIM_WORKER_MAXIMUM = 4,
    SIM_PEER_PORT = 17001,
    SIM_STREAM_QUEUE_MAXIMUM = 4096, /* messages under way on one stream; more are dropped */
};

struct sim_message { /* that arrives on a peer stream */
    unsigned from, to, to_thread;
    struct bytes bytes;
    struct bytes sealed; /* what came of it under the sender's seal; empty: it has none */
};

struct sim_net_owner {
    /* Can the thread run now? False with *again_us when it is held up; the caller asks again then.
     * A dead node is ready. */
    bool (*is_ready)(void *context, unsigned node, unsigned thread, uint64_t *again_us);
    uint64_t (*now_us)(void *context, unsigned node,
                       unsigned thread); /* the thread's own idea of the world's time */
    bool (*is_up)(void *context, unsigned node);
    unsigned (*accept)(void *context, unsigned node); /* which worker gets a new stream */
    /* Appends what travels of a message that this node sends, nothing if it has no seal. The
     * message itself goes beside it, for the trace: nonces are by the system's lot. NULL: no node
     * has one. */
    void (*seal)(void *context, unsigned node, struct bytes message, struct buffer *sealed);
    bool (*message)(void *context, const struct sim_message *message); /* false: end the stream */
    void (*lost)(void *context, unsigned node, unsigned thread, uint32_t peer_number);
    void (*datagram)(void *context, unsigned node, const struct net_address *from,
                     struct bytes datagram);
    void *context;
};

struct sim_weather {       /* of the whole network; faults.c changes it */
    double loss, doubling; /* of datagrams */
    uint64_t least_delay_us, most_delay_us;
    double late;      /* share of messages that take... */
    uint64_t late_us; /* ...up to so much longer */
};

struct sim_net;
struct sim_net *sim_net_new(struct event_queue *queue, struct random *random, struct trace *trace,
                            const struct sim_net_owner *owner, unsigned node_count);
void sim_net_free(struct sim_net *net);
struct sim_weather *sim_net_weather(struct sim_net *net);
/* Of the streams that break, which come back: echo.h. */
void sim_net_set_echo(struct sim_net *net, double share);
void sim_net_block(struct sim_net *net, unsigned from, unsigned to); /* one way, until it heals */
bool sim_net_is_blocked(const struct sim_net *net, unsigned from, unsigned to);
void sim_net_heal(struct sim_net *net); /* no way is blocked */
void sim_net_reset_streams(struct sim_net *net, unsigned from,
                           unsigned to); /* breaks what stands, both ways */
/* Breaks what stands, one way; something of it comes in any case, late or again: echo.h. */
void sim_net_break_echoing(struct sim_net *net, unsigned from, unsigned to);
void sim_net_node_died(struct sim_net *net, unsigned node);
/* The door of one thread of one node (thread < SIM_WORKER_MAXIMUM: a worker; SIM_WORKER_MAXIMUM:
 * the gossiper). */
struct net *sim_net_door(struct sim_net *net, unsigned node, unsigned thread);
void sim_net_address(unsigned node, struct net_address *address); /* the node's peer address */
uint64_t
sim_net_delay_us(struct sim_net *net); /* one drawn from the weather, for clients' links too */
