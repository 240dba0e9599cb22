/* Datagrams that came before. Where datagrams are sealed, nobody but a member can make one; but who
 * records one can send it again, at any time and from anywhere. So each carries a count, one higher
 * with every datagram that a member writes in its life, and a receiver keeps a window for each life
 * it has heard, as IPsec does (RFC 4303, section 3.4.3):
 *
 *       refused: too old            the window: which of these came           not yet
 *     ------------------------+-----------------------------------------+-------------------
 *                             highest - REPLAY_WINDOW               highest
 *
 * Many datagrams of a sender go to others, so a receiver sees gaps; the network may turn the order
 * around, but not by a window. A restarted receiver has no windows: for the first datagram of a
 * life it takes a sender's word for it (docs/decisions). */
#pragma once
#include "base/table.h"
#include "gossip/gossip.h"

enum {
    REPLAY_WINDOW = 256,                         /* counts below the highest that are told apart */
    REPLAY_LIVES_MAXIMUM = GOSSIP_MEMBER_MAXIMUM /* past it the one that was silent longest goes */
};

struct replay;

struct replay *replay_new(void);
void replay_free(struct replay *replay); /* NULL is allowed */
/* Is this datagram of that life new? `count` 0: it has none, as those of releases that do not
 * count; it is new unless that life is known to count. An earlier life than the known one is left
 * to the rules of gossip: it is only told that there is a later one. */
bool replay_is_new(struct replay *replay, const uint8_t uuid[GOSSIP_UUID_BYTES],
                   uint64_t generation, uint64_t count);
size_t replay_count(const struct replay *replay); /* lives that it knows */
