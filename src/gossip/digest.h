/* The whole, compared: what pushed news missed is found and mended here (Scuttlebutt's
 * reconciliation).
 *
 *     A                                      B
 *     PING ------------------------------>         each carries a hash of the whole state
 *          <------------------------------ ACK     another hash, and where (compare.h):
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
#include "gossip/instance.h"

/* All members; */
void digest_send(struct gossip *gossip, const struct gossip_address *to);
/* or those of a range of UUIDs, both ends within: in at most `left` datagrams; returns how many are
 * left then. */
unsigned digest_send_part(struct gossip *gossip, const struct gossip_address *to,
                          const uint8_t first[GOSSIP_UUID_BYTES],
                          const uint8_t last[GOSSIP_UUID_BYTES], unsigned left);
/* The DIGEST that asks for a stream, into the writer: of all members; or, if they do not fit, of
 * those from `wanted` on. */
void digest_write_request(struct gossip *gossip, const uint8_t wanted[GOSSIP_UUID_BYTES]);
/* What a DIGEST says of this node itself is put right. */
void digest_note_self(struct gossip *gossip, const struct codec_message *message);
/* Is its sender one that has just come? It compares everything. */
bool digest_is_newcomers(const struct codec_message *message);
/* The records of a few others that a newcomer can ask, into the writer; or sent to it. */
void digest_write_referral(struct gossip *gossip);
void digest_refer(struct gossip *gossip, const struct gossip_address *to);
void digest_hear(struct gossip *gossip, const struct gossip_address *from,
                 const struct codec_message *message);
void digest_pulled(struct gossip *gossip, const struct gossip_address *from,
                   const struct codec_message *message);
