/* Each shard has a preferred leader, the first of its replicas in the topology, and these are
 * spread evenly over the nodes. What leads in its place (its disk was slow, it was away) gives the
 * lead back after a while, so that a cluster in which something happened is balanced again. */
#pragma once
#include <stdint.h>

struct worker;

void preferred_tick(struct worker *worker);
