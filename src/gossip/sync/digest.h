/* Digests: what one knows of a range of members, for somebody else to compare (mending.h). */
#pragma once
#include "gossip/instance/instance.h"

enum { DIGEST_FULL_SECONDS = 10 };

/* What this node knows of the member. */
void digest_of(const struct member *member, struct codec_digest *digest);
/* Whether to ask for what others know: always, but where there is no room for it only every
 * DIGEST_FULL_SECONDS, as some of that may be that keys have gone. True: it is asked now. */
bool digest_may_ask(struct gossip *gossip);
/* A DIGEST or PULL, as far as its list: that this node takes streams, and who it is. */
void digest_begin(struct gossip *gossip, enum codec_kind kind, const struct gossip_address *to);
/* To somebody: all members; */
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
