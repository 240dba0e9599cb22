/* The whole, compared: what pushed news missed is found and mended here (Scuttlebutt's
 * reconciliation).
 *
 *     A                                          B
 *     PING ---------------------------------->          every ping and answer carries a hash of the
 * whole state
 *          <---------------------------------- ACK      another hash:
 *     DIGEST (a range of members) ----------->          what A knows of each, for every range
 *          <------------------- FILL, FILL ...          what A lacks
 *          <------------------------------ PULL         what B lacks, by how much B knows of it
 *     FILL, FILL ... ------------------------>
 *
 * One comparison a probe, begun by who probed; what one step may send is bounded, and the rest is
 * found by the next. What a FILL brings is passed on only where it changes what was believed of a
 * member that was known: a newcomer who hears of everybody does not tell everybody of everybody. */
#pragma once
#include "gossip/instance.h"

void digest_send(struct gossip *gossip, const struct gossip_address *to);
void digest_hear(struct gossip *gossip, const struct gossip_address *from,
                 const struct codec_message *message);
void digest_pulled(struct gossip *gossip, const struct gossip_address *from,
                   const struct codec_message *message);
