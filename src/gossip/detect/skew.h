/* How far the members' wall clocks are from this node's: measured with each answer to a ping that
 * says when it was written (version 1 of the wire), shown, and never trusted (clock_offset.h). */
#pragma once
#include "gossip/instance/instance.h"

/* `member` has answered directly what was sent to it at `sent_us`. */
void skew_measure(struct gossip *gossip, struct member *member, uint64_t sent_us,
                  const struct codec_message *answer);
/* Looks for the largest, now and then. */
void skew_run(struct gossip *gossip);
