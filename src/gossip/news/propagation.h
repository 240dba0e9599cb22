/* How long news takes: from when it was said, by the wall clock of who said it, until this node
 * first hears it. The difference of two clocks is told apart from the delay by clock_offset.h;
 * where that is not known well enough, the delay is not either, and only counted as such:
 *
 *     said at C by O's clock --- N nodes tell it on ---> first heard here at H
 *     delay = H - (C - apart(O))          error: that of apart(O), at most PROPAGATION_ERROR_US
 *
 * What was said before this node met anybody was not late in coming here, and is not counted. */
#pragma once
#include "gossip/instance/instance.h"

/* A record that was news here; `before`: what the member was until then, GOSSIP_LEFT of a new one.
 */
void propagation_heard_record(struct gossip *gossip, const struct member *member,
                              const struct codec_record *record, enum gossip_member_state before);
/* An entry that was news here. `priority`: with which it was told on; NULL: found by comparing. */
void propagation_heard_entry(struct gossip *gossip, const struct member *member,
                             const struct entry *entry, const enum gossip_priority *priority);
/* This node has said something itself: the beginning of its trace. */
void propagation_said(struct gossip *gossip, const struct member *member,
                      const struct entry *entry);
