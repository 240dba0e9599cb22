/* What a step puts out: datagrams, actions about streams, changes, and what was measured. The parts
 * add to it; at the end of the step the owner gets all of it, and it lasts until the next. */
#pragma once
#include "gossip/instance/instance.h"

struct gossip_scratch *scratch_new(void); /* returns owned */
void scratch_free(struct gossip_scratch *scratch);
/* At the beginning of a step. */
void sending_clear(struct gossip *gossip);
void sending_hand_out(struct gossip *gossip, struct gossip_actions *actions);

/* A datagram to `to`, in the newest version of the wire that both sides read. NULL: to who may not
 * be known, in version 0. */
void gossip_begin(struct gossip *gossip, enum codec_kind kind, const struct member *to);
void gossip_send(struct gossip *gossip,
                 const struct gossip_address *to); /* what the writer holds */
void gossip_send_surely(struct gossip *gossip,
                        const struct gossip_address *to); /* even past the bandwidth for it */
/* What the writer holds, as it is to be sent (packing.h). Valid until the next call. */
struct bytes sending_packed(struct gossip *gossip, size_t maximum);
/* What is begun from now on in this step, to whoever may not be known or to that member itself, is
 * for this life of it (replay.h); NULL: for nobody in particular. */
void gossip_turn_to(struct gossip *gossip, const uint8_t *uuid, uint64_t generation);
/* An action about a stream; the bytes are copied. */
void gossip_stream(struct gossip *gossip, const struct gossip_stream_action *action,
                   struct bytes bytes);
/* Gives back what large messages took. What was written or unpacked is gone. */
void gossip_shrink(struct gossip *gossip);
/* What cannot be tried in this step is not tried. */
void gossip_try_stream(struct gossip *gossip, const struct gossip_member *member);
void gossip_changed(struct gossip *gossip, enum gossip_change_kind kind,
                    const struct member *member, struct bytes key);
