/* How gladly nodes lead: what a node tells of itself by gossip, so that a shard's lead goes to who
 * is best placed (standing.def has the reasons). A hint: it never keeps a shard without a leader.
 */
#pragma once
#include "raft/raft.h"

struct worker;
struct shard;
struct neighbour;

enum standing_reason {
#define STANDING(id, name, standing) STANDING_##id,
#include "replica/leads/standing.def"
#undef STANDING
    STANDING_COUNT
};

/* This worker sees that the reason is there, or is gone. */
void standing_set(struct worker *worker, enum standing_reason reason, bool is_so);
void standing_tick(struct worker *worker);
/* What another node says: reasons with commas between. Its shards here are told what changed. */
void standing_hear(struct worker *worker, struct neighbour *neighbour, uint32_t node,
                   const char *text);
void standing_tell_new_shard(struct worker *worker, struct shard *shard);
