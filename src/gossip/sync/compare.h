/* Which parts of two states differ. The members fall into COMPARE_BUCKETS buckets, each with a hash
 * as the whole has one (hash.h).
 *
 *     A                                             B
 *     PING, COMPARE ------------------------------>        "if our hashes differ, say where"
 *          <------------------------ ACK, BUCKETS          half of each bucket's hash
 *     DIGEST (the range of a bucket that differs) ->       and so on, as mending.h draws it
 *
 * So of ten thousand members some eighty are named where one differs, not all (chitchat names all
 * in every message). In a small cluster one datagram names everybody: there nobody asks for
 * buckets. A peer of a release without buckets answers without them, and all is compared. At most
 * one comparison an interval is begun, and fewer while there is news on its way, which explains a
 * difference by itself. */
#pragma once
#include "gossip/instance/instance.h"

/* The answer to an own ping came: begins a comparison if it shows a difference. */
void compare_hear(struct gossip *gossip, const struct gossip_address *from,
                  const struct codec_message *ack);
