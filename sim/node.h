/* A simulated node: the server's own workers and gossiper (src/node), each a thread with a mailbox,
 * a clock and a turn. A node dies at any moment: what it had in memory is gone, what its disks kept
 * is there at its next start. */
#pragma once
#include "member/gossiper.h"
#include "node/node.h"
#include "sim/clock.h"
#include "sim/disk.h"
#include "sim/simulation.h"

struct connection;

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
};

struct sim_node {
    struct simulation *simulation;
    unsigned index; /* from 0; in the topology its number is index + 1 */
    bool is_up;
    bool is_doomed;         /* died in this event; to be buried in the next */
    bool has_lost_snapshot; /* at its last start; nobody tells whether it was repaired since */
    bool is_restart_quick;  /* the next restart follows at once */
    bool is_leaving;        /* it was asked to be taken out of the cluster */
    bool is_given_up;       /* out of it for ever: it does not restart, and ends when it hears so */
    enum sim_death death;
    uint64_t life;
    uint8_t uuid[NODE_UUID_BYTES];
    struct identity identity;
    struct sim_time time;
    struct sim_power power;
    struct sim_disk *node_disk;
    struct node_shared *shared;
    struct log log;
    struct sim_thread threads[SIM_WORKER_MAXIMUM + 1];
    uint64_t down_until_us; /* no restart before */
    unsigned protocol;      /* newest version between nodes that it speaks */
    unsigned level;         /* newest feature level that it knows; it never falls */
    struct config config;   /* the simulation's, with that */
    uint64_t full_until_us; /* its disk is: full_disk.h */
};

struct sim_node *sim_node_new(struct simulation *simulation, unsigned index);
void sim_node_free(struct sim_node *node); /* must be down, or is killed */
void sim_node_start(struct sim_node *node);
/* The node ends now: muted at once, buried by the next event, so that it can be called from within
 * the node. */
void sim_node_kill(struct sim_node *node, enum sim_death death);
void sim_node_restart_at(struct sim_node *node, uint64_t at_us);
void sim_node_pause(struct sim_node *node,
                    uint64_t pause_us); /* all its threads stop; time goes on */
static inline bool sim_node_is_alive(const struct sim_node *node) {
    return node->is_up && !node->power.is_off;
}
/* Something was given to this thread: its turn ends soon. */
void sim_thread_touch(struct sim_thread *thread);
bool sim_thread_is_ready(const struct sim_thread *thread, uint64_t *again_us);
struct sim_thread *sim_node_worker_by_lot(struct sim_node *node);
void sim_node_client_address(unsigned index, struct net_address *address);
/* For sim_net_new(). */
struct sim_net_owner sim_node_net_owner(struct simulation *simulation);
