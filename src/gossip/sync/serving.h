/* What this node gives by streams, to those that lack much; four at a time or as
 * set, so that thousands that come at once do not exhaust it (memberlist #158).
 *
 *     DIGEST or PULL that says STREAM, and much is lacked --> an offer: FILL, STREAM, RANGE
 *         no place, not even one promised by an offer     --> a newcomer is told of others to ask;
 *                                                             all else goes by datagrams
 *     STREAM_ASKED, the request ----> a place              --> pieces: records, then entries, then
 *                                                             for a newcomer the hash of the whole
 *         no place                                        --> STREAM_END, busy; before it the same
 *                                                             others to ask
 *
 * A piece is written when there is room for it, from where the last one stopped; so what a stream
 * holds of this node's memory is its request and one piece, however much is lacked. Between two
 * pieces the state may change: what changes behind the place is found by the next comparison.
 * Pieces are comparisons to the token bucket (bucket.h). */
#pragma once
#include "gossip/instance/instance.h"

#define SERVING_OFFER_US   GOSSIP_SECOND_US       /* an offer keeps a place for so long */
#define SERVING_SILENCE_US (5 * GOSSIP_SECOND_US) /* no room for so long is the end */

/* Offers a stream for the message's range. False: there is no place, and it was not referred to
 * others either. */
bool serving_offer(struct gossip *gossip, const struct gossip_address *to,
                   const struct codec_message *message);
void serving_asked(struct gossip *gossip, uint64_t stream, struct bytes request);
void serving_room(struct gossip *gossip, uint64_t stream);
void serving_gone(struct gossip *gossip, uint64_t stream);
void serving_run(struct gossip *gossip);
uint64_t serving_deadline_us(const struct gossip *gossip);
void serving_free(struct gossip *gossip);
