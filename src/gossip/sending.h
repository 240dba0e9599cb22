/* What a step puts out: datagrams, actions about streams, changes, and what was measured. The parts
 * add to it by the functions that instance.h names (gossip_begin, gossip_send, gossip_stream,
 * gossip_changed); at the end of the step the owner gets all of it, and it lasts until the next. */
#pragma once
#include "gossip/instance.h"

void sending_init(struct gossip *gossip);
void sending_release(struct gossip *gossip);
/* At the beginning of a step. */
void sending_clear(struct gossip *gossip);
void sending_hand_out(struct gossip *gossip, struct gossip_actions *actions);
