/* Doubt: who believes a suspicion asks others whether they know better. A refutation is news, told
 * to each node a few times and by lot; where datagrams are lost or processes stand still, one node
 * in some thousands is missed, and would call dead who has long answered all others. So
 *
 *   - every ping carries suspects of its sender, each in its turn, and is repeated until answered;
 *   - at the end of a suspicion a few by lot are asked at once (judging.h), and the time of an
 *     answer waited for. That is a second look at the clock, too: a node that slept when the time
 *     was up sees it, and hears first what waits in its socket;
 *   - whoever knows something newer of somebody whom a ping accuses says so in the answer.
 *
 *     A  PING (B is a suspect, incarnation 4)  -->  C
 *     A  <--  ACK (B is alive, incarnation 5)       C */
#pragma once
#include "gossip/instance/instance.h"

/* Suspects for the next ping, without `but`: at most `wanted`; each in its turn. Returns how many;
 * borrows, until the step ends. */
size_t doubt_choose(struct gossip *gossip, const struct member *but, size_t wanted,
                    const struct member **out);
/* Those whom the message accuses although this node knows of something newer. As above. */
size_t doubt_contradicted(const struct gossip *gossip, const struct codec_message *message,
                          size_t wanted, const struct member **out);
