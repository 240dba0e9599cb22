/* What a datagram brings: is it one, did it come before, what news does it carry, and then what its
 * kind is for.
 *
 *     bytes -- packing, codec --> message -- message_judge() --> message_hear() --> by its kind
 *                 |                             |
 *                 malformed: counted            a recording: counted (replay.h) */
#pragma once
#include "gossip/instance/instance.h"

void hearing_datagram(struct gossip *gossip, const struct gossip_address *from, struct bytes bytes);
