/* What runs ahead of the commit (early.c), and the replies that wait for it (hold.c). */
#pragma once
#include "base/buffer.h"
#include "base/containers/queue.h"
#include "shard/terms/answer.h"

/* What was applied up to `index` is not committed yet. */
struct ahead_mark {
    raft_index index;
    uint64_t applied_us;
};

/* A reply that waits until `index` is committed; its bytes stand in held_reply_bytes, in order. */
struct held_reply {
    raft_index index;
    struct shard_waiter waiter; /* target NULL: was told something else meanwhile */
    bool is_read;
    uint64_t deadline_us;
    size_t bytes;
};

struct shard_early {
    raft_index index;     /* as raft last said */
    struct queue ahead;   /* struct ahead_mark */
    struct queue replies; /* struct held_reply, by index */
    struct buffer reply_bytes;
    bool is_settling;           /* nothing runs ahead until a snapshot is taken */
    uint64_t keep_log_until_us; /* somebody was answered early: the log stays in memory */
};
