/* A worker: one thread's worth of a node. It owns a fixed set of the node's shards (shard number
 * mod worker count), one WAL, and its client sessions. Bytes in, bytes out: the owner (server/ on a
 * libuv loop, sim/ in its event queue) calls in whatever happened, then worker_turn_end(), once, at
 * the end of the loop's turn: there everything that came in this turn is proposed as one batch a
 * shard, sent to the peers and handed to the WAL at the same time.
 *
 *   worker_client_*   bytes from clients            -> io.client_output   replies to be written
 *   worker_peer       a batch from another node     -> io.net->peer_send
 *   worker_mail       from another thread here      -> io.post
 *   worker_tick       a deadline passed             -> worker_deadline_us
 *   (disk jobs report by themselves)                -> io.disk->submit
 *
 * Worker 0 also holds the control shard's replica and decides which topology is newest. */
#pragma once
#include "base/log.h"
#include "config/config.h"
#include "io/clock.h"
#include "io/disk.h"
#include "io/net.h"
#include "member/identity.h"
#include "member/mail.h"
#include "metric/metric.h"

struct worker;
struct session;
struct wal_tuning;
struct node_shared;

struct blob_store;
struct blob_problem;
struct worker_io {
    struct clock *clock;    /* all borrowed, and outlive the worker */
    struct disk *disk;      /* this worker's own directory */
    struct disk *node_disk; /* the node's directory (identity, founding, topology): read by every
                               worker at start, written by worker 0 */
    struct net *net;        /* this worker's own streams to peers; datagrams are the gossiper's */
    const struct log *log;
    /* The session has output to write (session_output): write what can be written now, keep the
     * rest for later. Called at the end of the turn, once a session and turn. */
    void (*client_output)(void *context, struct session *session, void *handle);
    /* Close the connection once its output is written; then worker_client_closed(). Called at the
     * end of a turn or later. */
    void (*client_close)(void *context, struct session *session, void *handle);
    /* Stop or go on reading from the client (back-pressure). */
    void (*client_pause)(void *context, struct session *session, void *handle, bool is_paused);
    /* Opens the store that `backup-to` names, with its own thread, on this worker's loop. NULL:
     * this node makes no backups. */
    int (*open_blobs)(void *context, const struct config *config, struct blob_store **out,
                      struct blob_problem *problem);
    void (*post)(void *context, unsigned receiver, struct mail *mail); /* takes the mail */
    /* CONFIG REWRITE: writes these settings (name -> char *value) into the configuration file.
     * NULL, or ERR_NOT_FOUND: there is none; other codes with a sentence. Called on worker 0. */
    int (*rewrite_settings)(void *context, const struct table *values, struct buffer *problem);
    void (*fatal)(void *context, const char *what); /* the node must end at once (fsync failed...).
                                                       May return in the simulator */
    void *context;
};

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

/* What the threads of a node share: statistics, in relaxed atomics, and the registries of metrics.
 */
struct node_shared *node_shared_new(unsigned worker_count);
void node_shared_free(struct node_shared *shared);
struct metrics *node_shared_metrics(struct node_shared *shared,
                                    unsigned worker); /* worker_count: the gossiper's */
/* Prometheus text of the whole node. Any thread. */
void node_shared_render_metrics(struct node_shared *shared, enum metric_format format,
                                struct buffer *out);
/* Is every shard that has a replica here recovered, and does it know a leader? For /health/ready.
 * *reason says why not, or what a node that is ready does not do. Any thread. */
bool node_shared_is_ready(const struct node_shared *shared, struct buffer *reason);

/* As the settings say. */
struct wal_tuning worker_wal_tuning(const struct config *config);

/* Recovers this worker's shards from its disk: synchronous. 0 or negative with a sentence in
 * `problem`. An empty node_disk and no `join` in the configuration: worker 0 founds a cluster of
 * one; make it last, because a node that is in a cluster and lacks a worker's log is refused. */
int worker_new(const struct worker_options *options, struct worker **out,
               struct buffer *problem) MUST_CHECK;
void worker_free(struct worker *worker); /* disk jobs must have ended, sessions are freed */

/* `handle` is the owner's. `peer_name` is "host:port", copied. NULL when maxclients is reached:
 * write worker_client_refusal() and close. */
struct session *worker_client_open(struct worker *worker, void *handle, const char *peer_name,
                                   const char *own_name);
const char *worker_client_refusal(void);
/* Room in the session's input to read into, at least 1 byte; then tell how much came. */
uint8_t *worker_client_room(struct worker *worker, struct session *session, size_t *room);
void worker_client_input(struct worker *worker, struct session *session, size_t length);
/* The client will send no more: what it sent is still answered, then the connection is closed. */
void worker_client_ended(struct worker *worker, struct session *session);
/* The connection is gone; the session ends (its writes in flight go on). */
void worker_client_closed(struct worker *worker, struct session *session);
/* Replies not written yet; the owner consumes what it wrote with buffer_consume(). */
struct buffer *session_output(struct session *session);

/* A packed PeerBatch, from a stream whose cluster and sender the batch itself names. ERR_MALFORMED,
 * ERR_REFUSED (another cluster): the owner ends that stream. */
int worker_peer(struct worker *worker, struct bytes batch) MUST_CHECK;
void worker_peer_lost(struct worker *worker,
                      uint32_t node_number);                /* the stream to or from it ended */
void worker_mail(struct worker *worker, struct mail *mail); /* takes the mail */
void worker_tick(struct worker *worker);
uint64_t worker_deadline_us(const struct worker *worker); /* call worker_tick at or after this */
void worker_turn_end(struct worker *worker);

/* Stopping: refuse new clients, give leadership away, finish what is in flight. True when nothing
 * is left to wait for. */
void worker_drain(struct worker *worker);
bool worker_is_drained(const struct worker *worker);

/* Looking in, for the simulator's checks. */
struct shard;
struct topology;
const struct config *worker_config(const struct worker *worker);
const struct topology *worker_topology(const struct worker *worker); /* NULL: a spare */
struct shard *worker_shard(struct worker *worker,
                           uint32_t shard_number); /* NULL if no replica here */
