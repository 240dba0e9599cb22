/* The first moments of a node: it gets a copy of the state, and only then takes part.
 *
 *     JOINING ---- the copy is whole, joining_copied(); or all is equal already, joining_agree();
 *        |         or it takes too long, joining_run() ----> ALIVE, by an incarnation of its own
 *        +-------- GOSSIP_LEAVE --------------------------> LEFT
 *
 * Whether it is whole says a hash: whoever has answered a newcomer's comparison says last what the
 * copy should have become. A part of it, or word of others to ask, does not count: the next
 * comparison brings more.
 *
 *     newcomer                                  member
 *     DIGEST, JOINING ------------------->
 *              <------------- FILL, FILL ...    what the newcomer lacks, as far as one answer goes
 *              <----------------- FILL, HASH    of all that the member knows but of the newcomer
 *
 * A large copy comes by a stream (asking.h), which ends with the same hash; the time that it takes
 * does not count. Until then it accuses nobody, for it may be that it cannot be reached itself;
 * helps nobody; and its word confirms no suspicion. It says so in each of its datagrams, and nobody
 * relays it: the others hear of a newcomer when it is alive. */
#pragma once
#include "gossip/instance/instance.h"

void joining_begin(struct gossip *gossip);
/* There is somebody to wait for. */
void joining_has_seed(struct gossip *gossip);
/* A part of the copy came, or the hash of the whole: when they agree, this node is alive. */
void joining_copied(struct gossip *gossip, const struct codec_message *message);
/* After the answer to the comparison `message`: if its sender is joining, the hash of the whole. */
void joining_say_whole(struct gossip *gossip, const struct gossip_address *to,
                       const struct codec_message *message);
/* The sender of `message` has the same hash. Another newcomer may lack the same, and counts only in
 * a small cluster that is started at once: nobody is further there. */
void joining_agree(struct gossip *gossip, const struct codec_message *message);
/* The same into the writer, for a stream. False: its sender is not joining, or this node is itself.
 */
bool joining_write_whole(struct gossip *gossip, const struct codec_message *message);
/* Where datagrams are sealed, nobody hears a newcomer before it has said for whom it speaks: so its
 * first word to who answered it, in this step, is who it is. What it knows, which asks for what it
 * lacks, follows a moment later: of many that start at once, the others are known there by then.
 * False: that is not called for. */
bool joining_greet(struct gossip *gossip, const struct gossip_address *to);
/* When joining_run() has something to do. */
uint64_t joining_deadline_us(const struct gossip *gossip);
void joining_run(struct gossip *gossip);
