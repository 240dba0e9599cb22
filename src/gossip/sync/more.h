/* An answer to a comparison that was cut goes on: who lacks more than one answer may hold asks for
 * the rest as soon as that has come, and not with the next ping.
 *
 *     A                                      B
 *     DIGEST (a range) ------------------->
 *          <--------------- FILL, FILL ...        as many as one answer may have
 *          <------------------ FILL, RANGE        "there is more in this range"
 *     DIGEST (that range) ---------------->       when the others are likely to be there
 *
 * So a first copy comes in as many round trips as it has answers, where there are no streams.
 * A release before this ignores the RANGE, and compares again with a later ping; so does who lost
 * it. Nothing is asked for again before something came of the last time, and one comparison goes on
 * MORE_ROUNDS_MAXIMUM times at most; what may be sent is up to the bucket, as for every answer. */
#pragma once
#include "gossip/instance/instance.h"

/* Behind an answer to `message` that did not hold all: of the range of that. */
void more_say(struct gossip *gossip, const struct gossip_address *to,
              const struct codec_message *message);
/* A FILL with a RANGE came. */
void more_hear(struct gossip *gossip, const struct gossip_address *from,
               const struct codec_message *message);
/* A comparison begins, with as many rounds as one may have. */
void more_begin(struct gossip *gossip);
/* When more_run() has something to do. */
uint64_t more_deadline_us(const struct gossip *gossip);
void more_run(struct gossip *gossip);
