/* What goes into one datagram: of the news that waits, what matters most, and a share for the rest.
 *
 *     GOSSIP_URGENT    the first 200 bytes of every datagram, if it has that much to say
 *     GOSSIP_CLUSTER   30 %  \
 *     GOSSIP_STATE     20 %   |  of the room of all datagrams while it has something to say; one
 *     GOSSIP_REST      10 %  /   too large for a datagram's share saves up for its turn
 *                                (deficit round robin, Shreedhar and Varghese 1995)
 *     what is left     by priority
 *
 * These are the defaults (urgent_bytes, share_percent). Where bytes are short (bucket.h) only
 * urgent news is told, and the shares beside it; where there are none left, only the first bytes of
 * urgent news that ride on probes.
 *
 * In each priority the least told comes first, and of those the newest. */
#pragma once
#include "gossip/instance/instance.h"

/* Into the writer, behind what stands there: the records `first`, then as much news as fits, none
 * that was part of this round (gossip->news->round) already. What is written counts as told. */
void telling_write(struct gossip *gossip, const struct member *const *first, size_t first_count);
