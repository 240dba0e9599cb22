/* A worker: one thread's worth of a node. It owns a fixed set of the node's shards (shard number
 * mod worker count), one WAL, and its client sessions. Bytes in, bytes out: the owner (server/ on a
 * libuv loop, sim/ in its event queue) calls in whatever happened, then worker_turn_end(), once, at
 * the end of the loop's turn: there everything that came in this turn is proposed as one batch a
 * shard, sent to the peers and handed to the WAL at the same time.
 *
 *   clients_*     (session/clients.h)  bytes from clients         -> io.client_output
 *   peers_*       (replica/peers.h)    a batch from another node  -> io.net->peer_send
 *   worker_mail                        from another thread here   -> io.post
 *   worker_tick                        a deadline passed          -> worker_deadline_us
 *   (disk jobs report by themselves)                              -> io.disk->submit
 *
 * Worker 0 also holds the control shard's replica and decides which topology is newest. */
#pragma once
#include "config/config.h"
#include "member/identity.h"
#include "member/mail.h"
#include "worker/node_shared.h"
#include "worker/worker_io.h"

struct worker;
struct shard;
struct topology;

struct worker_options {
    unsigned index, count;
    struct identity identity;
    const struct config *config;                                    /* copied */
    struct net_address client_address, peer_address, admin_address; /* as announced */
    uint64_t
        seed; /* for jitter and entries' seeds: random in production, the run's in the simulator */
    struct node_shared *shared; /* borrows: statistics that INFO and /metrics read across threads */
    struct worker_io io;
};

/* Recovers this worker's shards from its disk: synchronous. 0 or negative with a sentence in
 * `problem`. An empty node_disk and no `join` in the configuration: worker 0 founds a cluster of
 * one; make it last, because a node that is in a cluster and lacks a worker's log is refused. */
int worker_new(const struct worker_options *options, struct worker **out,
               struct buffer *problem) MUST_CHECK;
void worker_free(struct worker *worker); /* disk jobs must have ended, sessions are freed */

void worker_mail(struct worker *worker, struct mail *mail); /* takes the mail */
void worker_tick(struct worker *worker);
uint64_t worker_deadline_us(const struct worker *worker); /* call worker_tick at or after this */
void worker_turn_end(struct worker *worker);

/* Stopping: refuse new clients, give leadership away, finish what is in flight. True when nothing
 * is left to wait for. */
void worker_drain(struct worker *worker);
bool worker_is_drained(const struct worker *worker);

/* Looking in, for the simulator's checks. */
const struct config *worker_config(const struct worker *worker);
const struct topology *worker_topology(const struct worker *worker); /* NULL: a spare */
struct shard *worker_shard(struct worker *worker,
                           uint32_t shard_number); /* NULL if no replica here */
