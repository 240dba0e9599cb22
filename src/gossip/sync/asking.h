/* What this node takes by a stream. One at a time, so that nothing is brought twice; while it runs
 * no comparison is begun.
 *
 *     IDLE --- an offer (serving.h), asking_offered() ---> ASKING, STREAM_OPEN
 *     ASKING - STREAM_PIECE: as a FILL ------------------> ASKING
 *        |---- STREAM_ENDED, done -----------------------> IDLE (1)
 *        |---- busy -------------------------------------> IDLE (2)
 *        +---- failed, silent, too long -----------------> IDLE (3)
 *
 * (1) The next comparison sees what is left.
 * (2) Who is busy is asked by datagrams for a moment; a newcomer compares with another at once.
 * (3) By datagrams for a minute, and at once.
 *
 * Only who said that it can take a stream, in its DIGEST or PULL, is offered one: so members of
 * older releases, and whom streams do not reach, go on by datagrams. */
#pragma once
#include "gossip/instance/instance.h"

#define ASKING_SILENCE_US (2 * GOSSIP_SECOND_US)  /* so long without a piece is the end */
#define ASKING_BUSY_US    (2 * GOSSIP_SECOND_US)  /* not asked again for so long: the busy, */
#define ASKING_FAILED_US  (60 * GOSSIP_SECOND_US) /* and those that a stream did not reach */

/* A FILL that says: take by a stream what you lack of this range. */
void asking_offered(struct gossip *gossip, const struct codec_message *message);
void asking_piece(struct gossip *gossip, uint64_t stream, struct bytes piece);
void asking_ended(struct gossip *gossip, uint64_t stream, enum gossip_stream_outcome outcome);
void asking_run(struct gossip *gossip);
uint64_t asking_deadline_us(const struct gossip *gossip);
