/* What a member is called, where it is and when that was said: changed as a whole, for it is shared
 * (pool.h). */
#pragma once
#include "gossip/instance/instance.h"

/* Of this node itself, by itself: a new incarnation, as of now. */
void identity_raise(struct gossip *gossip, uint64_t incarnation);
/* What is believed of the member now was said then, by the wall clock of who said it. */
void identity_stamp(struct gossip *gossip, struct member *member, uint64_t created_us);
/* Of a suspect: who accused it last, and when. */
void identity_accuse(struct gossip *gossip, struct member *member,
                     const uint8_t accuser[GOSSIP_UUID_BYTES], uint64_t created_us);
/* As a newer record says. Within one life a name stays what it was first. */
void identity_adopt(struct gossip *gossip, struct member *member,
                    const struct codec_record *record);
