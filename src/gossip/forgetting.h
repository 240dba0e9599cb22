/* Members that are forgotten: graves whose time is over, or that are in the way of newcomers. How
 * long they are kept is set, and may differ between nodes: who has forgotten a grave takes no news
 * of that death, and who remembers it contradicts whoever says that the dead live. */
#pragma once
#include "gossip/instance/instance.h"

/* Called before anything else of a step, while nobody holds pointers. */
void forgetting_run(struct gossip *gossip);
/* The settings have changed. */
void forgetting_reschedule(struct gossip *gossip);
/* All, this node too: the instance ends. */
void forgetting_all(struct gossip *gossip);
