/* Quiet shards between this worker and those of other nodes (raft/parts/pair.h): the heartbeats
 * that stand in for theirs, and waking them. */
#pragma once
#include "raft/parts/pair.h"
#include "worker/worker.h"

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
