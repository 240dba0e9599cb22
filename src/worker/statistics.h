/* What the threads of one node share, beside mail: statistics that each worker publishes in relaxed
 * atomics at the end of a turn, for INFO, /metrics and readiness, which any thread may ask. */
#pragma once
#include <stdatomic.h>

#include "cluster/topology.h"
#include "metric/metric.h"
#include "worker/node_shared.h"

struct worker_statistics {
    _Atomic uint64_t clients, connections_total, commands_total, input_bytes_total,
        output_bytes_total, error_replies_total;
    _Atomic uint64_t keyspace_hits, keyspace_misses, expired_keys;
    /* Over the last second and a half (rates.h). */
    _Atomic uint64_t commands_per_second, input_bytes_per_second, output_bytes_per_second;
    _Atomic uint64_t keys, expiring_keys, memory_bytes;
    _Atomic uint64_t unfreed_keys, unfreed_bytes; /* deleted, and their values not freed yet */
    _Atomic uint64_t shards_hosted, shards_led, shards_without_leader, replicas_in_repair,
        scrub_damages;
    _Atomic uint64_t is_serving; /* 1: has a topology and all its shards are recovered */
    _Atomic uint64_t rejected_connections_total;
    _Atomic uint64_t is_disk_full;       /* 1: it takes no writes until there is space, or a file */
    _Atomic uint64_t is_memory_full;     /* 1: past maxmemory; worker 0 says it for the node */
    _Atomic uint64_t log_wanting;        /* wal_wanting(), negated */
    _Atomic uint64_t is_removed_spare;   /* worker 0: no cluster takes it any more */
    _Atomic uint64_t is_cluster_refused; /* worker 0: as struct worker has it */
    _Atomic uint64_t standing; /* bits of enum standing_reason: why it would rather not lead */
};

/* One replica of this node, as its worker last published it (every 100 ms). */
struct shard_statistics {
    _Atomic uint64_t is_hosted, role, term, leader, applied_index, commit_index, last_index,
        snapshot_index, last_term, time_ms;
    _Atomic uint64_t settled_epoch; /* as leader: this wish of the topology is fulfilled; 0: none */
    /* As leader: the learner that is furthest behind; round 0: nobody learns. And which one was
     * given up, and is tried again; node 0: none. */
    _Atomic uint64_t learner_round, learner_index, is_joint;
    _Atomic uint64_t given_up_node, give_up_cause;
};

struct node_shared {
    /* What was sent of snapshots is paid for, at the rate that is set, until then (transfers.c). */
    _Atomic uint64_t transfer_paid_until_us;
    struct shard_statistics shards[TOPOLOGY_SHARD_MAXIMUM + 1]; /* by shard number */
    uint64_t client_maximum; /* as many have a descriptor; set once, before the threads start */
    unsigned worker_count;
    struct worker_statistics *workers;
    struct metrics **metrics; /* workers', then the gossiper's */
};

/* Only one thread adds to a statistic; CONFIG RESETSTAT, on any, puts it to zero. */
static inline void statistic_add(_Atomic uint64_t *statistic, uint64_t amount) {
    uint64_t before = atomic_load_explicit(statistic, memory_order_relaxed);
    atomic_store_explicit(statistic, before + amount, memory_order_relaxed);
}

static inline uint64_t statistic_of(const _Atomic uint64_t *statistic) {
    return atomic_load_explicit(statistic, memory_order_relaxed);
}

/* The sum of one statistic over all workers: node_shared_sum(shared, offsetof(struct
 * worker_statistics, keys)). */
uint64_t node_shared_sum(const struct node_shared *shared, size_t offset);
