/* Which parts of two states differ. The members fall into COMPARE_BUCKETS buckets by the first bits
 * of their UUIDs; the hash of a bucket is the sum over its members, as the hash of the whole is.
 *
 *     A                                             B
 *     PING, COMPARE ------------------------------>        "if our hashes differ, say where"
 *          <------------------------ ACK, BUCKETS          half of each bucket's hash
 *     DIGEST (the range of a bucket that differs) ->       and so on, as digest.h draws it
 *
 * So of ten thousand members some eighty are named where one differs, not all (chitchat names all
 * in every message). In a small cluster one datagram names everybody: there nobody asks for
 * buckets. A peer of a release without buckets answers without them, and all is compared. At most
 * one comparison an interval is begun, and fewer while there is news on its way, which explains a
 * difference by itself. */
#pragma once
#include "gossip/instance.h"

/* After a change of a member's part of the hash of the whole. */
void compare_changed(struct gossip *gossip, const uint8_t uuid[GOSSIP_UUID_BYTES], uint64_t before,
                     uint64_t after);
/* May a comparison be begun, so that a ping should ask for the buckets? */
bool compare_is_due(const struct gossip *gossip);
/* The buckets, into the answer to a ping that asks for them: if the hashes differ. */
void compare_write(struct gossip *gossip, const struct codec_message *ping);
/* The answer to an own ping came: begins a comparison if it shows a difference. */
void compare_hear(struct gossip *gossip, const struct gossip_address *from,
                  const struct codec_message *ack);
