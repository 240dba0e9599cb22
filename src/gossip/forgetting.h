/* Members that are forgotten: graves whose time is over, or that are in the way of newcomers. */
#pragma once
#include "gossip/instance/instance.h"

/* Called before anything else of a step, while nobody holds pointers. */
void forgetting_run(struct gossip *gossip);
/* All, this node too: the instance ends. */
void forgetting_all(struct gossip *gossip);
