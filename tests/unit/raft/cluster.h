/* A few replicas of one shard without a world: the test holds the clock, the network and the disks,
 * and nothing moves unless it says so. What a replica sends waits in `packets` until the test
 * delivers or drops it; what it saves waits in `saves` until the test makes it durable; a crash
 * loses what still waits. */
#pragma once
#include "base/buffer.h"
#include "raft/parts/pair.h"
#include "raft/raft.h"

enum { CLUSTER_NODE_MAXIMUM = 7 };

struct cluster_save {
    uint64_t sequence;
    raft_index truncate_from;
    struct raft_entry **entries;
    size_t entry_count;
    bool is_state_saved;
    raft_term term;
    raft_node_number vote;
};
struct cluster_disk {
    raft_term term;
    raft_node_number vote;
    raft_index snapshot_index;
    raft_term snapshot_term;
    struct raft_configuration configuration; /* as of the snapshot */
    raft_index floor_index;                  /* where a log ended that was removed here */
    raft_term floor_term;
    uint64_t promise_us;         /* the longest that any of its lives may have told */
    struct raft_entry **entries; /* from snapshot_index + 1 */
    size_t entry_count;
};
struct cluster_packet {
    struct raft_message message; /* owns references to its entries */
    uint64_t after_save;         /* while it is held back by its sender */
};
struct cluster_packets {
    struct cluster_packet *packets;
    size_t count, capacity;
};
/* The heartbeat of two nodes for their quiet shards, or the reply. */
struct cluster_beat {
    raft_node_number from, to;
    bool is_reply;
    struct raft_pair_heartbeat heartbeat;
    struct raft_pair_reply reply;
};
struct cluster_node {
    raft_node_number number;
    struct raft *raft;         /* NULL: it is down */
    struct raft_timing timing; /* its own: the cluster's, as it was when this was told of it */
    struct cluster_disk disk;
    struct cluster_save *saves;
    size_t save_count, save_capacity;
    struct cluster_packets held;
    uint64_t deadline_us; /* by its own clock */
    raft_index commit_index, early_index;
    double clock_rate;
    uint64_t lives;
    struct cluster *cluster;
    struct raft_pair pairs[CLUSTER_NODE_MAXIMUM + 1]; /* by peer */
};
struct cluster {
    struct cluster_node nodes[CLUSTER_NODE_MAXIMUM]; /* number n is nodes[n - 1] */
    size_t node_count;
    struct raft_timing timing;
    uint64_t seed, now_us;
    uint32_t patience_us;           /* for so long the syncs of early entries may wait */
    struct cluster_packets packets; /* on the network, in order of sending */
    struct cluster_beat *beats;     /* also on the network */
    size_t beat_count, beat_capacity;
    struct buffer *transcript; /* what happened, in words; NULL: nobody listens */
    /* Called after each step with what it asked for. */
    void (*watch)(void *context, struct cluster_node *node, const struct raft_actions *actions);
    void *context;
};

/* Replicas that the configuration does not name begin as new ones do: they know of no voter. */
struct cluster *cluster_new(size_t node_count, const struct raft_timing *timing,
                            const struct raft_configuration *configuration, uint64_t seed,
                            struct buffer *transcript);
void cluster_free(struct cluster *cluster);
struct cluster_node *cluster_node(struct cluster *cluster, raft_node_number number);
uint64_t cluster_clock(const struct cluster *cluster, const struct cluster_node *node);
/* One event at `node`, with the time filled in; does nothing where the node is down. */
void cluster_step(struct cluster *cluster, struct cluster_node *node, struct raft_event event);
/* The oldest save reaches the disk, and raft hears of it if `is_told`. False if none waits. */
bool cluster_save_next(struct cluster *cluster, struct cluster_node *node, bool is_told);
/* One node takes the cluster's timing; NULL: all do. A longer promise is durable before it is told.
 */
void cluster_timing_set(struct cluster *cluster, struct cluster_node *node);
void cluster_crash(struct cluster *cluster, struct cluster_node *node);
void cluster_start(struct cluster *cluster, struct cluster_node *node);
void cluster_packet_deliver(struct cluster *cluster, size_t position);
void cluster_packet_drop(struct cluster *cluster, size_t position);
void cluster_packet_duplicate(struct cluster *cluster, size_t position);
/* Of its entries only so many can be read where it arrives. */
void cluster_packet_cut(struct cluster *cluster, size_t position, size_t entry_count);
/* The node's heartbeats for its quiet shard, to each that it is quiet with. */
void cluster_beat_send(struct cluster *cluster, struct cluster_node *node);
/* True if it was an equal one. */
bool cluster_beat_deliver(struct cluster *cluster, size_t position);
void cluster_beat_drop(struct cluster *cluster, size_t position);
/* Wakes the node's replica if a pair has been silent for too long. */
void cluster_silence_notice(struct cluster *cluster, struct cluster_node *node);
/* Makes durable and delivers until nothing waits. */
void cluster_settle(struct cluster *cluster);
/* Early: to be answered once a majority has received it (raft_entry.is_early). */
void cluster_propose(struct cluster *cluster, struct cluster_node *node, const char *text,
                     bool is_early);
/* The replica is removed with its log, and a new one is made that knows of no voter. */
void cluster_remove(struct cluster *cluster, struct cluster_node *node);
/* Damage took all but the first entries of the log of a node that is down, or the snapshot and all
 * of it: what is left is bound by where it ended, in a new term. */
void cluster_damage(struct cluster_node *node, size_t kept_entries, bool is_snapshot_lost);
/* A snapshot at `index` is durable at `node`, and raft forgets what is before it. */
void cluster_compact(struct cluster *cluster, struct cluster_node *node, raft_index index);
/* Memory is wanted back: `node` has applied what is committed, and forgets of that what it may, up
 * to `index` and but for the newest bytes, more of them where a voter lacks them. */
void cluster_forget(struct cluster *cluster, struct cluster_node *node, raft_index index,
                    uint64_t kept_bytes, uint64_t held_bytes);
/* `to` replaces its state by what `from` has at `index`. */
void cluster_install(struct cluster *cluster, struct cluster_node *to,
                     const struct cluster_node *from, raft_index index);
/* Overwrites the disk of a node that is down with entries of these terms. */
void cluster_disk_write(struct cluster_node *node, raft_term term, raft_node_number vote,
                        const raft_term *entry_terms, size_t entry_count);
