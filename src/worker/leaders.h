/* Which node leads each shard, as believed here: what the replicas of this node know, and of the
 * others what gossip hints at. A stale belief costs a redirect: the shard itself decides. */
#pragma once
#include "wire/reply.h"
#include "worker/worker.h"

enum { LEADERLESS_HOLD_US = 200 * 1000 /* commands wait so long for an election to end */ };

void leaders_set(struct worker *worker, uint32_t shard, uint32_t node, uint64_t term);
/* What a member says by gossip of the shards that it leads. */
void leaders_hear_hints(struct worker *worker, const struct member_view_entry *member,
                        uint32_t node);
bool leaders_is_here(const struct worker *worker, uint32_t shard);
/* Whom to send clients to: who leads the shard as far as is known, or, where this node holds no
 * replica and no living leader was told of, one that is alive and should hold one. 0: nobody. */
uint32_t leaders_believed(const struct worker *worker, uint32_t shard);
bool leaders_are_being_elected(const struct worker *worker, uint32_t shard);
/* The error for a command that this node does not serve: MOVED, CLUSTERDOWN. */
void leaders_redirect(struct worker *worker, uint32_t shard, slot_number slot, struct reply *reply);
