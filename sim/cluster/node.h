/* The nodes of a run: the server's own workers and gossiper (src/node), each a thread with a
 * mailbox, a clock and a turn; and what is to be seen of them. How a thread's turns come is
 * thread.h, how a node starts and dies life.h. */
#pragma once
#include "member/gossiper.h"
#include "node/node.h"
#include "sim/cluster/simulation.h"
#include "sim/world/clock.h"
#include "sim/world/disk.h"

struct shard;
struct topology;

/* The newest version between nodes that this release speaks. */
enum { SIM_PROTOCOL_NEWEST = 3 };

struct sim_thread {
    struct sim_node *node;
    unsigned index; /* SIM_WORKER_MAXIMUM: the gossiper */
    struct sim_clock clock;
    struct sim_disk *disk; /* a worker's own directory */
    struct worker *worker;
    struct gossiper *gossiper;
    struct mail *first_mail, *last_mail;
    uint64_t mail_at_us; /* arrival of the latest: none overtakes it */
    bool is_turn_scheduled;
    uint64_t timer_at_us; /* of the earliest tick that is scheduled */
    bool is_draining;
};

struct sim_node {
    struct simulation *simulation;
    unsigned index; /* from 0; in the topology its number is index + 1 */
    bool is_up;
    bool is_spare;          /* not seen in the topology yet */
    bool is_doomed;         /* died in this event; to be buried in the next */
    bool has_lost_snapshot; /* at its last start; nobody tells whether it was repaired since */
    bool is_restart_quick;  /* the next restart follows at once */
    bool is_leaving;        /* it was asked to be taken out of the cluster */
    bool has_begun_slow;    /* this life began on a slow disk, and takes it for a healthy one */
    bool is_stopping;       /* in good order; it takes no further clients */
    uint64_t stop_until_us;
    bool is_locked_out; /* it came back with cluster keys that the others have no more */
    bool is_given_up;   /* out of it for ever: it does not restart, and ends when it hears so */
    enum sim_death death;
    uint64_t life;
    uint8_t uuid[NODE_UUID_BYTES];
    struct identity identity;
    struct seal *seal; /* NULL: none. Its ring outlives the node's lives, as the ring's file does */
    struct sim_time time;
    struct sim_power power;
    struct sim_disk *node_disk;
    struct node_shared *shared;
    struct log log;
    struct sim_thread threads[SIM_WORKER_MAXIMUM + 1];
    uint64_t down_until_us; /* no restart before */
    unsigned protocol;      /* newest version between nodes that it speaks */
    unsigned level;         /* newest feature level that it knows; it never falls */
    unsigned lease_ms;      /* in its file, from its next start on; 0: nothing is */
    struct config config;   /* the simulation's, with that */
    uint64_t full_until_us; /* its disk is: full_disk.h */
    uint64_t async_at_us;   /* when a worker was seen to answer before the disk by itself */
};

/* It runs, and has not died in this event. */
static inline bool sim_node_is_alive(const struct sim_node *node) {
    return node->is_up && !node->power.is_off;
}
void sim_node_client_address(unsigned index, struct net_address *address);
struct sim_thread *sim_node_worker_by_lot(struct sim_node *node);
/* Its replica of the shard; NULL: it holds none, or is down. */
struct shard *sim_node_replica(const struct sim_node *node, uint32_t shard);
/* Of one worker's disk at least. */
bool sim_node_is_rotten(const struct sim_node *node);
void sim_node_pause(struct sim_node *node,
                    uint64_t pause_us); /* all its threads stop; time goes on */
/* As this node knows it; NULL: not yet, or it is down. Borrowed, until time goes on. */
const struct topology *sim_node_topology(const struct sim_node *node);
/* The newest one that a node knows which is up and not given up; NULL: none. Borrowed, until time
 * goes on. */
const struct topology *sim_topology(const struct simulation *simulation);
/* Which shard the operation's key belongs to. */
uint32_t sim_operation_shard(const struct topology *topology, const struct operation *operation);
