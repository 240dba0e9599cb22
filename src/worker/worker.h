/* What the rooms of a worker share: who it is, its settings, its shards, the topology and the
 * members as it knows them, and what it counts. What belongs to one room alone stands there:
 *
 *                    node/       its life, its turn, its mail
 *                   /     \
 *            session/      |     `sessions` (session/client/state.h)
 *                   \      |
 *                    replica/    `hosting` (replica/state/state.h)
 *                       |
 *                    worker/     what everybody asks for
 *
 * Rooms call only what is below them; what is below tells what is above through functions that it
 * was given (struct shard_io, struct target, settings_changed). */
#pragma once
#include "base/random.h"
#include "cluster/topology.h"
#include "command/command.h"
#include "config/config_layers.h"
#include "member/identity.h"
#include "member/member_view.h"
#include "raft/raft.h"
#include "shard/shard.h"
#include "store/wal/wal.h"
#include "worker/promise.h"
#include "worker/statistics.h"
#include "worker/worker_io.h"

enum {
    WORKER_SHARD_MAXIMUM = TOPOLOGY_SHARD_MAXIMUM + 1,
    WORKER_COMMAND_MAXIMUM = 512, /* rows of command.def */
    WORKER_TICK_US = 100 * 1000,
    WORKER_MAXIMUM = 64, /* of a node, as in config.def */
    TRACE_ID_BYTES = 17  /* of one that is made here, as text */
};

struct shard_leader {
    uint32_t node; /* 0: unknown */
    uint64_t term;
    uint64_t lost_us; /* since when it is unknown, if a replica here knew one before; else 0 */
};

/* What is counted; observe.c's, but for `plain` (worker_count). Cells are looked up once. */
struct worker_counting {
    unsigned replies_unclocked; /* replies since turn_us */
    uint64_t wal_bytes;
    struct metric_cell *commands[WORKER_COMMAND_MAXIMUM];
    struct metric_cell *latencies[WORKER_COMMAND_MAXIMUM];
    struct metric_cell *sent[RAFT_MESSAGE_KIND_COUNT];
    struct metric_cell *received[RAFT_MESSAGE_KIND_COUNT];
    struct metric_cell *plain[METRIC_ID_COUNT]; /* of the metrics without a label */
};

struct hosting;
struct sessions;

struct worker {
    unsigned index, count;
    struct identity identity;
    char node_id[NODE_ID_TEXT_BYTES];
    uint32_t self;               /* this node's number in the topology; 0: a spare */
    struct config config;        /* the effective one */
    struct config_layers layers; /* worker 0's: what it is made of */
    bool is_cluster_refused;     /* the topology's settings do not go with those of this node */
    void (*settings_changed)(struct worker *worker); /* told once the effective ones are others */
    struct promise promise; /* for how long a leader may count on the replicas here */
    struct net_address client_address, peer_address, admin_address;
    struct worker_io io;
    struct node_shared *shared;
    struct metrics *metrics;
    struct random random;

    struct wal *wal;
    struct shard *shards[WORKER_SHARD_MAXIMUM]; /* by number; NULL: not here */
    uint32_t hosted[WORKER_SHARD_MAXIMUM];      /* numbers of the shards here */
    unsigned hosted_count;
    struct shard_leader leaders[WORKER_SHARD_MAXIMUM]; /* of every shard, as last heard */
    struct topology *topology;                         /* newest known; NULL: a spare */
    struct member_view members;

    struct hosting *hosting;   /* owned: the shards' side */
    struct sessions *sessions; /* owned: the clients' side */

    uint64_t started_us;
    uint64_t turn_us; /* when the event that is handled came, or the clock was read since */
    uint64_t next_tick_us;
    bool is_draining, is_failed;
    uint64_t drain_until_us; /* leadership that nobody took until then is kept to the end */

    uint64_t session_count;
    uint64_t let_in_bytes; /* of commands that need memory, since that was published */
    struct worker_counting counting;
};

static inline struct worker_statistics *statistics_of(struct worker *worker) {
    return &worker->shared->workers[worker->index];
}

void worker_fatal(struct worker *worker, const char *what);
void worker_post(struct worker *worker, unsigned receiver, struct mail *mail);
void worker_post_others(struct worker *worker,
                        struct mail *mail); /* a copy to every other worker; takes the mail */
void worker_say(struct worker *worker, const char *key, const char *value); /* by gossip */
/* Appends "shard:number" to a list that is to be said, behind a comma if it is not the first.
 * False: it would be longer than a value of gossip may be, and is as it was. */
bool worker_list_add(struct buffer *list, uint32_t shard, uint64_t number) MUST_CHECK;
uint64_t worker_now_us(const struct worker *worker);
uint64_t worker_wall_ms(const struct worker *worker);
/* Of the node: `maxclients`, or as many as the system has descriptors for. */
uint64_t worker_client_maximum(const struct worker *worker);
void worker_count(struct worker *worker, enum metric_id id, uint64_t amount);
struct shard *worker_shard(struct worker *worker,
                           uint32_t shard_number); /* NULL if no replica here */
void worker_make_trace_id(struct worker *worker, char id[TRACE_ID_BYTES]);
