/* Who waits for a shard, and what it answers. */
#pragma once
#include "base/buffer.h"
#include "raft/events/actions.h"

/* Who waits for a command's reply: the owner's, handed back as it came. `target` NULL: nobody. */
struct shard_waiter {
    void *target;
    uint64_t ticket;
    uint8_t protocol;
    /* A write: answered once a majority has received it, before they have it on disk. A read:
     * answered though what it saw is not on disk yet. */
    bool is_async;
};

/* Where a command stands in the log. */
struct shard_place {
    raft_index index;
    raft_term term;
};

/* Whence an answer comes. */
enum shard_origin {
    SHARD_NOWHERE,  /* nothing was done for it that could be told */
    SHARD_FROM_LOG, /* the command stands there; or the read waited for what does */
    SHARD_READ_BY_LEASE,
    SHARD_READ_BY_QUORUM,
    SHARD_READ_BY_FOLLOWER,
    SHARD_READ_TOO_LATE /* it could not be made safe in time */
};
/* What there is to tell of an answer if it was slow; and where its bytes are. */
struct shard_answer {
    uint32_t shard;
    enum shard_origin origin;
    struct shard_place place;    /* of a read: up to where this replica had applied */
    uint64_t asked_us, ended_us; /* of a read: since when it had to wait (0: it had not), and when
                                    it had run or was given up */
    struct buffer *reply; /* holds it, within io.reply, and may be emptied by who is told it; NULL:
                             it is elsewhere, and stays there */
};

enum shard_outcome {
    SHARD_DONE,         /* the reply's bytes follow */
    SHARD_NOT_EXECUTED, /* and never will be: safe to send again, elsewhere */
    SHARD_UNKNOWN       /* written perhaps, or perhaps not */
};

/* The last new replica that this leader gave up, until it votes or others are wanted. learner 0:
 * none. */
struct shard_given_up {
    raft_node_number learner;
    enum raft_give_up_cause cause;
    uint64_t wish; /* by which it was wanted */
    uint64_t at_us;
};
