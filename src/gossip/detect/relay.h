/* Indirect probes (SWIM 4.1), from both sides: which helpers are asked, and what a helper does.
 *
 *     who probes        helper                target
 *        | ---- ASK ------> | ---- PING ------> |
 *        |                  | <---- ACK ------- |
 *        | <--- ACK --------|                        with the target's name: it lives
 *        | <--- NACK -------|                        at 4/5 of the timeout, if no ACK came: the
 *                                                    helper is well, and cannot say (Lifeguard) */
#pragma once
#include "gossip/detect/detect_room.h"

/* By lot, as many as are set at the most. What hinders this node may hinder its whole zone, so one
 * of them stands outside of it. */
size_t relay_choose(struct gossip *gossip, const struct member *target,
                    struct member *helpers[GOSSIP_HELPERS_MAXIMUM]);
void relay_asked(struct gossip *gossip, const struct gossip_address *from,
                 const struct codec_message *message);
/* An ACK that no probe of this node waits for. */
void relay_acknowledged(struct gossip *gossip, const struct codec_message *message);
void relay_run(struct gossip *gossip);
uint64_t relay_deadline_us(const struct gossip *gossip);
void relay_cancel_all(struct gossip *gossip);
