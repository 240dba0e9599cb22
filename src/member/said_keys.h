/* The keys under which a node says something: some are its own, the others are for users to set. */
#pragma once
#include "base/buffer.h"
#include "gossip/gossip.h"

/* What it says by itself, of itself. Values are text. */
#define GOSSIP_SAYS_CLIENT   "client"   /* host:port of the client port */
#define GOSSIP_SAYS_ADMIN    "admin"    /* host:port of the admin port */
#define GOSSIP_SAYS_CLUSTER  "cluster"  /* 32 hex digits; absent: a spare */
#define GOSSIP_SAYS_EPOCH    "epoch"    /* of the newest topology it knows */
#define GOSSIP_SAYS_LEADS    "leads"    /* "shard:term,...": shards it leads, as a hint */
#define GOSSIP_SAYS_SETTLED  "settled"  /* "shard:epoch,...": wishes its leaders see fulfilled */
#define GOSSIP_SAYS_STANDING "standing" /* "slow-disk,draining": why it would rather not lead */
#define GOSSIP_SAYS_VERSION  "version"  /* the program's */
#define GOSSIP_SAYS_LEVEL    "level"    /* of features that it knows (cluster/feature.h) */
#define GOSSIP_SAYS_KIND                                                                           \
    "kind" /* "agent": it never holds data; absent: a node, a spare, or a program */
#define GOSSIP_KIND_AGENT "agent"

/* Of one node. Of those that gossip tells of it the rest is kept free for its own. */
enum { GOSSIP_USER_KEYS_MAXIMUM = 112 };

/* Is this key said by the node itself, and not to be set by anybody else? */
bool gossip_key_is_own(struct bytes key);
/* May somebody say key = value of this node? 0; ERR_INVALID, ERR_LIMIT or ERR_REFUSED with a
 * sentence in `problem`. An empty value is refused: it would remove the key. */
int gossip_key_check(const struct gossip *gossip, struct bytes key, struct bytes value,
                     struct buffer *problem) MUST_CHECK;
