/* The whole, compared: what pushed news missed is found and mended here (Scuttlebutt's
 * reconciliation).
 *
 *     A                                      B
 *     PING ------------------------------>         each carries a hash of the whole state
 *          <------------------------------ ACK     another hash, and where (hash.h):
 *     DIGEST (a range of members) ------->         what A knows of each
 *          <--------------- FILL, FILL ...         what A lacks
 *          <-------------------------- PULL        what B lacks, by how much B knows of it
 *     FILL, FILL ... -------------------->
 *
 * What is much B does not fill in: it offers a stream, if A can take one (serving.h), and A asks
 * for it with a larger DIGEST (asking.h).
 *
 * What one step may send is bounded, and the rest is found by the next comparison. What a FILL
 * brings is passed on only where it changes what was believed of a member that was known: a
 * newcomer who hears of everybody does not tell everybody of everybody. */
#pragma once
#include "gossip/instance/instance.h"

/* A DIGEST or a PULL came. */
void mending_digest(struct gossip *gossip, const struct gossip_address *from,
                    const struct codec_message *message);
void mending_pull(struct gossip *gossip, const struct gossip_address *from,
                  const struct codec_message *message);
