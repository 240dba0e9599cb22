/* Members that are forgotten: graves whose time is over, or that are in the way of newcomers. */
#pragma once
#include "gossip/instance/instance.h"

#define GOSSIP_GRAVE_US (24 * 3600 * GOSSIP_SECOND_US) /* the dead and the left are remembered */

/* Called before anything else of a step, while nobody holds pointers. */
void forgetting_run(struct gossip *gossip);
/* All, this node too: the instance ends. */
void forgetting_all(struct gossip *gossip);
