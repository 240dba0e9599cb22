/* Which features the control shard may use (cluster/feature.h): what every node says
 * that it knows. */
#pragma once
#include "worker/worker.h"

void levels_say(struct worker *worker);
void levels_tick(struct worker *worker); /* of the control shard's leader */
/* ERR_VERSION, with a sentence: the cluster uses a level that this node is told not to know. */
int levels_check(const struct worker *worker, const struct topology *topology,
                 struct buffer *problem) MUST_CHECK;
/* The level that a member says it knows; 0 also for one that is not heard of. */
unsigned levels_of(const struct worker *worker, const uint8_t uuid[GOSSIP_UUID_BYTES]);
