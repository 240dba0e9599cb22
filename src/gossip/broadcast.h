/* News: what others may not know yet. A piece of news is told about 3 + 1.5 log2(n) times by each
 * node that finds it new (some above the ln(n) that let all hear it: Demers et al. 1987, SWIM 4.1),
 * to a few members at a time, and with every ping and answer that goes out anyway.
 *
 *                          times told:  0         1         2        broadcast_add(): to the
 *     urgent   deaths, refutations     [ ]                 [ ]       front of the first list.
 *     cluster  comers, leaders                   [ ] [ ]             broadcast_told(): to the end
 *     state    a node's own state      [ ]                 [ ] [ ]   of the next one, but only what
 *     rest     all else                [ ] [ ]   [ ]                 was written (telling.h)
 *
 * What cannot be told to anybody waits. When a key changes again, its older news goes.
 *
 *     own change  at once, to fan_out by lot      a burst of changes: once in flush_us
 *     heard       after flush_us, to fan_out by lot
 *     then        after 3 flush_us, to the next in the circle of UUIDs (listeners.h)
 *     later       after ever longer pauses, to fewer by lot: most know by then
 *
 * so that nearly all hear within a few flush_us, and a burst is one datagram. Where bytes are short
 * (bucket.h) rounds wait. Of a flood, as when thousands join or die at once, each piece is told to
 * few, and what they miss is mended by comparing (compare.h). */
#pragma once
#include "gossip/instance.h"

/* News of the member: its record (entry NULL), or an entry of its chain. From the beginning, if it
 * was waiting already. */
void broadcast_add(struct gossip *gossip, struct member *member, struct entry *entry,
                   enum gossip_priority priority);
bool broadcast_is_waiting(const struct member *member, const struct entry *entry);
void broadcast_remove(struct gossip *gossip, struct member *member, const struct entry *entry);
void broadcast_remove_all(struct gossip *gossip, struct member *member);
/* What was added last is this node's own: it is told in this step, unless the last round is less
 * than flush_us ago. */
void broadcast_hurry(struct gossip *gossip);
/* For telling.c, of pieces that it took out of their lists: told once more; or not after all. */
void broadcast_told(struct gossip *gossip, struct news *news, size_t bytes);
void broadcast_put_back(struct gossip *gossip, struct news *news);
/* Into the writer: the records `first`, whatever was told of them before, then as much news as
 * fits. */
void broadcast_write(struct gossip *gossip, const struct member *const *first, size_t first_count);
void broadcast_run(struct gossip *gossip);
/* Goodbye: to as many as one step can reach. */
void broadcast_goodbye(struct gossip *gossip);
