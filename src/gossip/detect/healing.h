/* Healing: whoever was lost is looked for, for ever, so that a partition of any length heals
 * without a hand, whichever side remembers the other.
 *
 *     seeds     addresses that this node was given: probed while nobody who lives is known there,
 *               and seldom while who answered is known elsewhere (a service stands for several);
 *               past GOSSIP_SEED_MAXIMUM the one at which nobody has been for longest gives way
 *     graves    members called dead: a few a round, so that all nodes together try each of them
 *               about twice in a round
 *     the lost  addresses of graves whose time was over, as many as there is room for; and what
 *               was left for the address of one that is dead, who may have gone the other way
 *
 * Each with a back-off that doubles up to what is set (back_off_us); it begins anew when somebody
 * comes or goes, for then others may as well. A probe carries this node's own record and, to a
 * grave, what is believed of it: so the other meets us, and refutes its death. */
#pragma once
#include "gossip/instance/instance.h"

struct probe;

void healing_seed(struct gossip *gossip, const struct gossip_address *address);
/* Who answered the probe of a seed. */
void healing_seed_answered(struct gossip *gossip, const struct probe *probe,
                           const uint8_t uuid[GOSSIP_UUID_BYTES]);
void healing_run(struct gossip *gossip);
uint64_t healing_deadline_us(const struct gossip *gossip);
/* Somebody came or went: the dead are worth a try soon. */
void healing_population_changed(struct gossip *gossip);
/* The settings have changed. */
void healing_reschedule(struct gossip *gossip);
/* A grave is forgotten: its address stays. */
void healing_remember(struct gossip *gossip, const struct gossip_address *address);
/* The member begins a new life there; it is still known where it was. */
void healing_moves(struct gossip *gossip, const struct member *member,
                   const struct gossip_address *to);
/* The member is called dead. */
void healing_died(struct gossip *gossip, const struct member *member);
/* Somebody answered at an address of the lost: it is a member again, or will be. */
void healing_found(struct gossip *gossip, const struct gossip_address *address);
