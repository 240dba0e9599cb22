#include "gossip/detect/observer.h"
#include "base/planted.h"
#include "gossip/detect/detect_room.h"
#include "gossip/detect/probe.h"
#include "gossip/detect/watch.h"
#include "gossip/instance/roster.h"
#include "gossip/members/member.h"

enum {
    LOOK_SPREAD = 16,  /* observers that heard of a suspicion ask within this part of an interval */
    LOOKERS_BY_LOT = 4 /* who are no observers of a suspect ask as well, about so many in all */
};

/* Turns. */

static void observer_turn(struct gossip *gossip, struct watch *watch) {
    watch->next_us = gossip->now_us + stretched_us(gossip, watch_turn_us(gossip));
    if (watch == watch_of(gossip, watch->member))
        probe_member(gossip, watch->member, true);
}

void observer_run(struct gossip *gossip) {
    for (unsigned ring = 0; ring < gossip->detect->ring_count; ring++)
        if (gossip->now_us >= gossip->detect->watches[ring].next_us)
            observer_turn(gossip, &gossip->detect->watches[ring]);
    if (gossip->now_us < gossip->detect->probe_us)
        return;
    gossip->detect->probe_us =
        gossip->now_us + stretched_us(gossip, gossip->timing.probe_interval_us);
    struct member *member = rotation_turn(gossip);
    if (member != NULL)
        probe_member(gossip, member, false);
}

uint64_t observer_deadline_us(const struct gossip *gossip) {
    uint64_t deadline_us = gossip->detect->probe_us;
    for (unsigned ring = 0; ring < gossip->detect->ring_count; ring++)
        deadline_us = earlier(deadline_us, gossip->detect->watches[ring].next_us);
    return deadline_us;
}

/* Its observers may have died with it. */
static void look_by_lot(struct gossip *gossip, struct member *member) {
    if (random_below(&gossip->random, member_live_count(gossip)) < LOOKERS_BY_LOT)
        probe_member(gossip, member, false);
}

/* Was this node the last to accuse it? If nobody agrees, something may be wrong on this side. */
static bool is_own_suspicion(const struct gossip *gossip, const struct member *suspect) {
    const uint8_t *accuser = suspect->shown.who->said_by;
    return memcmp(accuser, gossip->self->shown.who->uuid, GOSSIP_UUID_BYTES) == 0;
}

/* A suspect may be dead, and then it watches nobody. */
static void look_beyond(struct gossip *gossip, unsigned ring) {
    struct watch *watch = &gossip->detect->watches[ring];
    watch->beyond = watch_nearest_before(gossip, ring, false);
    if (watch->beyond != NULL && !PLANTED(GOSSIP_BEYOND_UNSEEN))
        probe_member(gossip, watch->beyond, false);
}

void observer_accused(struct gossip *gossip, const struct member *suspect) {
    if (is_own_suspicion(gossip, suspect))
        return;
    for (unsigned ring = 0; ring < gossip->detect->ring_count; ring++) {
        const struct watch *watch = &gossip->detect->watches[ring];
        bool is_first = suspect == watch->member && watch->beyond == NULL;
        if (is_first || suspect == watch->beyond)
            look_beyond(gossip, ring);
    }
}

/* Who has refuted may be suspected again. */
static void forget_beyond(struct gossip *gossip, const struct member *suspect) {
    for (unsigned ring = 0; ring < gossip->detect->ring_count; ring++)
        if (gossip->detect->watches[ring].member == suspect)
            gossip->detect->watches[ring].beyond = NULL;
}

void observer_look_at(struct gossip *gossip, struct member *member) {
    struct watch *watch = watch_of(gossip, member);
    forget_beyond(gossip, member);
    observer_accused(gossip, member);
    if (watch == NULL) {
        look_by_lot(gossip, member);
        return;
    }
    uint64_t spread_us = gossip->timing.probe_interval_us / LOOK_SPREAD + 1;
    watch->next_us =
        earlier(watch->next_us, gossip->now_us + random_below(&gossip->random, spread_us));
}

void observer_reschedule(struct gossip *gossip) {
    gossip->detect->probe_us =
        earlier(gossip->detect->probe_us, gossip->now_us + gossip->timing.probe_interval_us);
    for (unsigned ring = 0; ring < gossip->detect->ring_count; ring++)
        if (gossip->detect->watches[ring].member != NULL)
            gossip->detect->watches[ring].next_us = earlier(gossip->detect->watches[ring].next_us,
                                                            gossip->now_us + watch_turn_us(gossip));
}
