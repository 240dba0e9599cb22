/* What this node itself says of other lives: suspected when its own probe failed, dead when the
 * time of the suspicion is up and nobody who was asked knew better.
 *
 *     a probe failed        judging_accuse(): suspected, and told so
 *     the time is up        judging_run():    a few are asked, by pings that accuse (doubt.h)
 *     their time is up too  judging_run():    dead, and told so
 *
 * Who is joining, or has left, judges nobody: suspicions that it hears of wait, until it is alive,
 * for the first of these. */
#pragma once
#include "gossip/instance/instance.h"

/* This node's own probe of the member failed. */
void judging_accuse(struct gossip *gossip, struct member *member);
/* Asks about every suspicion that ends about now, once; those that were asked about before, and
 * whose answers have had their time, end. */
void judging_run(struct gossip *gossip);
uint64_t judging_deadline_us(const struct gossip *gossip);
