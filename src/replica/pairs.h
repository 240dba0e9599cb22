/* Quiet shards between this worker and those of other nodes (raft/parts/pair.h): the heartbeats
 * that stand in for theirs, and waking them. */
#pragma once
#include "raft/parts/pair.h"
#include "worker/worker.h"

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

struct raft_pair *pairs_of(void *context, unsigned shard, raft_node_number peer);
/* What a batch says of its sender. */
void pairs_heard(struct worker *worker, uint32_t node, uint32_t protocol, uint32_t worker_count);
uint32_t pairs_protocol(const struct worker *worker, uint32_t node); /* 0: not heard yet */
void pairs_lost(struct worker *worker, uint32_t node);
void pairs_tick(struct worker *worker, uint64_t now_us);
uint64_t pairs_deadline_us(const struct worker *worker);
void pairs_end_turn(struct worker *worker); /* the last that a turn's batches say */
void pairs_release(struct worker *worker);
/* Parts of a batch that was read (wire/peer_message.h). */
void pairs_receive_heartbeat(struct worker *worker, uint32_t from, struct bytes part);
void pairs_receive_reply(struct worker *worker, uint32_t from, struct bytes part);
