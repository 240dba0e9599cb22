/* Who is told. News spreads by two kinds of links (RingCast: Voulgaris and van Steen 2007): first
 * to a few by lot, which reaches all but one in e^fan_out; then to the next ones in the circle of
 * UUIDs, which nearly surely reaches those who are left, because everybody is the next of somebody
 * who has heard.
 *
 *     by lot      three of four   of this node's zone; without zones the nearer of two
 *                 one of four     of another zone; without zones anybody
 *     in the circle               of this node's zone
 *
 * One of four as far_one_in is set by default. So most of what is told stays near, and yet no zone
 * is an island: each member of it tells some elsewhere. */
#pragma once
#include "gossip/news/news.h"

/* Up to `wanted` live others by lot; returns how many. */
size_t listeners_by_lot(struct gossip *gossip, size_t wanted, struct member **out);
/* The next NEWS_IN_CIRCLE live ones behind this node in the circle of UUIDs of its zone; returns
 * how many. */
size_t listeners_next(const struct gossip *gossip, struct member *out[NEWS_IN_CIRCLE]);
