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
 * around, but not by a window.
 *
 * Who has just started has no windows. So each datagram also says which life of whom it is for, and
 * a life without a window is heard only by what is for the receiver's present one: its generation
 * was never used before it started, so nothing that was recorded before can name it. The window
 * begins there: what that life wrote before is refused. Whoever does
 * not know it yet learns it from the answer to a ping:
 *
 *     newcomer                                 seed
 *        | ---- PING, for nobody known --------> |   answered, but not heard
 *        | <--- ACK, for the newcomer's life --- |   heard: a window opens here
 *        | ---- DIGEST, for the seed's life ---> |   and there
 *
 * Such a ping may be a recording, and its answer goes to whoever sends it. So it is answered only
 * if its count is higher than those of that life that were answered: who lost an answer asks by
 * another datagram, and a recording is answered once. */
#pragma once
#include "base/containers/table.h"
#include "gossip/terms/limits.h"

enum {
    REPLAY_WINDOW = 256,                          /* counts below the highest that are told apart */
    REPLAY_LIVES_MAXIMUM = GOSSIP_MEMBER_MAXIMUM, /* past it the one that was silent longest goes */
    REPLAY_ASKERS_MAXIMUM = 4096 /* answered without a proof; past it the first that asked goes */
};

struct replay;

struct replay *replay_new(void);
void replay_free(struct replay *replay); /* NULL is allowed */
enum replay_verdict {
    REPLAY_NEW,
    REPLAY_OLD,      /* it came before */
    REPLAY_UNPROVEN, /* perhaps recorded before this life, or on its way elsewhere; or by a life
                        that a later one has followed, of which there is no window any more */
};
/* Of a datagram of that life. `count` 0: it has none, as those of releases that do not count; it is
 * new unless that life is known to count. `is_for_this_life`: it says that it was written for the
 * receiver, and in which life. An earlier life than the known one proves nothing by that: what it
 * wrote may have been heard while it had a window. */
enum replay_verdict replay_judge(struct replay *replay, const uint8_t uuid[GOSSIP_UUID_BYTES],
                                 uint64_t generation, uint64_t count, bool is_for_this_life);
/* Of a ping of an unproven life: is it to be answered, and not a second time? */
bool replay_is_new_ask(struct replay *replay, const uint8_t uuid[GOSSIP_UUID_BYTES],
                       uint64_t generation, uint64_t count);
size_t replay_count(const struct replay *replay); /* lives that it knows */
