/* News: what others may not know yet. A piece of news is told about 3 * log2(n) times by each node
 * that finds it new (enough for all to hear it with high probability: Demers et al. 1987,
 * SWIM 4.1), to a few members at a time, and with every ping and answer that goes out anyway.
 *
 *     priority   0 times told   1   2  ...         urgent before member before state; in each the
 * least told first, and urgent     [ ]           [ ] [ ]             of those the newest first. A
 * telling moves it one to the right; only member     [ ] [ ]       [ ]                 what was
 * really written into a datagram counts as told. What cannot state      [ ]           [ ] [ ] [ ]
 * be told to anybody waits.
 *
 * News is gathered for flush_us before it is first sent, so that a burst of changes is one
 * datagram. */
#pragma once
#include "gossip/instance.h"

void broadcast_init(struct news *news, enum news_kind kind);
/* From the beginning, if it was waiting already. */
void broadcast_add(struct gossip *gossip, struct news *news, enum news_priority priority);
void broadcast_remove(struct gossip *gossip, struct news *news);
/* Into the writer: the records `first`, whatever was told of them before, then as much news as
 * fits. */
void broadcast_write(struct gossip *gossip, const struct member *const *first, size_t first_count);
void broadcast_run(struct gossip *gossip);
/* The state's part of a datagram: one entry, in the group of its member that is open already or
 * opened for it. False if it does not fit. */
bool broadcast_write_entry(struct gossip *gossip, const struct entry *entry);
/* Goodbye: to as many as one step can reach. */
void broadcast_goodbye(struct gossip *gossip);
