/* When this node looks at whom: at those it watches (watch.h) in their turns, at others when that
 * is called for.
 *
 * An observer that hears of a suspicion of its member looks at once, so that independent accusers
 * agree soon, or contradict.
 *
 * Where many die at once, some die with all their observers. So whoever watches a suspect looks at
 * once at whom that one watched, on the same ring, and if this is a suspect as well at the next
 * before it, but only where somebody else accuses them, too: a node that hears nobody must not walk
 * along the rings. And at each suspect a few look who stand nowhere near it, by lot.
 *
 *     ring 0   ... -> b -> c -> SELF            c is a suspect: SELF looks at b
 *
 * Beside this, one member by lot is probed each interval: that bridges views of the cluster that
 * differ, and compares the state with everybody in turn. */
#pragma once
#include "gossip/instance/instance.h"

void observer_run(struct gossip *gossip);
uint64_t observer_deadline_us(const struct gossip *gossip);
/* This member is a suspect now. */
void observer_look_at(struct gossip *gossip, struct member *member);
/* One more accuses the suspect. */
void observer_accused(struct gossip *gossip, const struct member *suspect);
/* The settings have changed. The deadline that was handed out stands until the next step: who steps
 * before it is not late. */
void observer_reschedule(struct gossip *gossip);
