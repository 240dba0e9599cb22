#include "gossip/forgetting.h"
#include "base/memory.h"
#include "base/planted.h"
#include "gossip/detect/healing.h"
#include "gossip/detect/probe.h"
#include "gossip/detect/suspicion.h"
#include "gossip/instance/roster.h"
#include "gossip/members/member.h"
#include "gossip/news/news.h"
#include "gossip/news/state.h"

enum {
    GRAVE_CHECK_SECONDS = 10,
    GRAVE_SUSPICIONS = 10 /* a grave outlasts so many of them in any case: before that, some may
                             not have heard of the death yet, and would bring the dead back */
};

static void member_free(struct gossip *gossip, struct member *member) {
    state_clear(gossip, member);
    news_remove_all(gossip, member);
    suspicion_end(gossip, member);
    roster_forget_contact(member);
    identity_release(gossip->pool, member->shown.who);
    memory_free(member);
}

/* Its seat is empty then. */
static void member_forget(struct gossip *gossip, struct member *member) {
    gossip->counters.members_forgotten++;
    order_remove(&gossip->order, gossip->members, member);
    if (member->shown.state == GOSSIP_DEAD) {
        graves_remove(gossip, member);
        healing_remember(gossip, &member->shown.who->address);
    }
    probe_forget(gossip, member);
    gossip->members[member->shown.seat] = NULL;
    gossip->member_count--;
    member_free(gossip, member);
}

/* Those not living for which `is_over` says so: one walk over all members. */
static void forget_graves(struct gossip *gossip, bool (*is_over)(const struct gossip *gossip,
                                                                 const struct member *member)) {
    size_t seat_count = gossip->member_count;
    for (size_t seat = 0; seat < seat_count; seat++) {
        struct member *member = gossip->members[seat];
        if (member != gossip->self && !member_is_live(member) && is_over(gossip, member))
            member_forget(gossip, member);
    }
    if (gossip->member_count < seat_count)
        roster_close_ranks(gossip, seat_count);
}

static uint64_t grave_kept_us(const struct gossip *gossip) {
    if (PLANTED(GOSSIP_GRAVE_FORGOTTEN))
        return 0;
    return later(gossip->timing.grave_us, GRAVE_SUSPICIONS * suspicion_longest_us(gossip));
}

static uint64_t grave_old_us(const struct gossip *gossip, const struct member *grave) {
    return grave->shown.state_since_us + grave_kept_us(gossip);
}

static bool grave_is_old(const struct gossip *gossip, const struct member *grave) {
    return gossip->now_us >= grave_old_us(gossip, grave);
}

/* When the first of those that are left will be old; of who dies from now on, none is before. */
static uint64_t next_old_us(const struct gossip *gossip) {
    uint64_t next_us = gossip->now_us + grave_kept_us(gossip);
    for (size_t seat = 0; seat < gossip->member_count; seat++) {
        const struct member *member = gossip->members[seat];
        if (member != gossip->self && !member_is_live(member))
            next_us = earlier(next_us, grave_old_us(gossip, member));
    }
    return next_us;
}

/* Half of ten thousand may be graves for days: nobody walks along them before one is old. */
static void forget_old(struct gossip *gossip) {
    if (gossip->now_us < gossip->grave_old_us)
        return;
    forget_graves(gossip, grave_is_old);
    gossip->grave_old_us = next_old_us(gossip);
}

/* A tenth stays free, so that newcomers find a place before the graves' time is over. */
static bool grave_is_in_the_way(const struct gossip *gossip, const struct member *grave) {
    (void)grave;
    return gossip->member_count > GOSSIP_MEMBER_MAXIMUM - GOSSIP_MEMBER_MAXIMUM / 10;
}

void forgetting_run(struct gossip *gossip) {
    if (gossip->now_us < gossip->grave_check_us)
        return;
    gossip->grave_check_us = gossip->now_us + GRAVE_CHECK_SECONDS * GOSSIP_SECOND_US;
    if (gossip->member_count == gossip_live_count(gossip) + 1)
        return;
    forget_old(gossip);
    if (grave_is_in_the_way(gossip, NULL))
        forget_graves(gossip, grave_is_in_the_way);
}

void forgetting_reschedule(struct gossip *gossip) {
    gossip->grave_check_us = gossip->grave_old_us = 0;
}

void forgetting_all(struct gossip *gossip) {
    for (size_t i = 0; i < gossip->member_count; i++)
        member_free(gossip, gossip->members[i]);
    roster_release(gossip);
}
