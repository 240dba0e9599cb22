/* What is kept of what goes to other nodes and comes from them (mail/). */
#pragma once
#include "base/buffer.h"
#include "raft/events/entry.h"
#include "worker/worker.h"

struct raft_pair;

/* What grows for one node in a turn. */
struct outgoing_batch {
    struct buffer bytes; /* a PeerBatch growing at its end; empty: nothing to send */
};

/* Which entries: the term of the last one makes them the same on every log (5.3). */
struct packer_slice {
    uint32_t shard;
    raft_index first_index;
    size_t count;
    raft_term last_term;
};

struct packer {
    struct ZSTD_CCtx_s *compressor;
    struct ZSTD_DCtx_s *decompressor;
    struct buffer packed, unpacked;
    struct packer_slice held; /* in `packed`; count 0: nothing is */
    unsigned percent;         /* smoothed: compressed bytes of a hundred */
    unsigned skipped;         /* since one was tried */
};

/* What is known of a peer's shards that are quiet with ours: one pair for each of its workers. */
struct peer_pairs {
    uint32_t protocol;     /* the lower of its and ours; 0: not heard since its stream was lost */
    uint32_t worker_count; /* the peer's */
    struct raft_pair *pairs[WORKER_MAXIMUM]; /* owned; NULL: none was asked for */
};

/* Quiet shards that are to be woken, some at a time. */
struct waking {
    uint32_t shards[WORKER_SHARD_MAXIMUM]; /* a ring would never fill: each is in it once */
    unsigned first, count;
    bool is_waiting[WORKER_SHARD_MAXIMUM];    /* by shard */
    uint32_t lost_node[WORKER_SHARD_MAXIMUM]; /* by shard: the peer whose stream was lost, or 0 */
    uint64_t next_us;
};

/* Commands that were slow and got a trace id afterwards. */
struct slow_traces {
    uint64_t paid_until_us; /* the rate allows none before the worker's clock is behind it */
    uint32_t last_shard;
    struct shard_place last_place;
    char last_id[TRACE_ID_BYTES];
};
