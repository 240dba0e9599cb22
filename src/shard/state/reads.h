/* Reads that wait for their index to be applied, or for the leader to be sure that it leads
 * (read.c), and WAIT (wait.c). */
#pragma once
#include "base/buffer.h"
#include "base/containers/queue.h"
#include "shard/terms/answer.h"

struct pending_read {
    struct shard_waiter waiter;
    uint64_t read_id;  /* not 0: raft has been asked for an index */
    raft_index index;  /* run once applied up to here */
    bool is_confirmed; /* raft has answered; needs no lease */
    bool is_refused;
    bool is_on_follower;
    uint64_t begun_us;
    struct buffer arguments; /* encoded as in an entry */
};

struct shard_reads {
    struct queue pending; /* struct pending_read */
    uint64_t next_id;
    bool is_running;
};

struct pending_wait {
    raft_index index;
    struct shard_waiter waiter;
    uint32_t replicas;
    bool is_local;
    uint64_t deadline_us;
};

struct shard_waits {
    struct queue pending; /* struct pending_wait */
    uint64_t deadline_us; /* the soonest of them; UINT64_MAX: none */
};
