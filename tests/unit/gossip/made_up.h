/* Members that nobody runs: a node hears of them by a stranger's news, and takes them for alive. */
#pragma once
#include "gossip/wire/codec.h"
#include "world.h"

/* The UUID of one of them, in the order that a test wants. */
typedef void (*made_up_name)(unsigned number, uint8_t uuid[GOSSIP_UUID_BYTES]);

/* `node` hears of `count` of them, one datagram each, at once. Their records are equally long. */
void made_up_announce(struct world *world, unsigned node, unsigned count, made_up_name name);
