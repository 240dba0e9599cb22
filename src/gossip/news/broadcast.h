/* Rounds of telling news (news.h): to a few members at a time, and with every ping and answer that
 * goes out anyway. What cannot be told to anybody waits.
 *
 *     own change     at once, by lot, half of its tellings      a burst of changes:
 *     at first hand  at once, to fan_out by lot                 once in flush_us
 *     heard          after flush_us, to fan_out by lot, one less for each who told it meanwhile
 *     then        after 3 flush_us, to the next in the circle of UUIDs (listeners.h)
 *     later       after ever longer pauses, to fewer by lot: most know by then
 *
 * so that nearly all hear within a few flush_us, and a burst is one datagram. Where bytes are short
 * (bucket.h) rounds wait; where nobody else lives there are none. */
#pragma once
#include "gossip/instance/instance.h"

/* Into the writer: the records `first`, whatever was told of them before, then as much news as
 * fits. */
void broadcast_write(struct gossip *gossip, const struct member *const *first, size_t first_count);
void broadcast_run(struct gossip *gossip);
uint64_t broadcast_deadline_us(const struct gossip *gossip);
/* Goodbye: to as many as one step can reach. */
void broadcast_goodbye(struct gossip *gossip);
