#include "gossip/news/broadcast.h"
#include "gossip/instance/bucket.h"
#include "gossip/instance/roster.h"
#include "gossip/instance/sending.h"
#include "gossip/members/member.h"
#include "gossip/news/listeners.h"
#include "gossip/news/news.h"
#include "gossip/news/news_room.h"
#include "gossip/news/telling.h"
#include <assert.h>

enum {
    NEWS_DATAGRAMS_PER_ROUND =
        4,            /* to one member; a flood of news takes more rounds, not more at once */
    NEXT_FLUSHES = 3, /* times flush_us: until the next in the circle are told */
    NEWS_SHORTEST_PAUSE_US = 1000,
    GOODBYE_DATAGRAMS = 64
};
static_assert((int)LISTENERS_NEXT <= (int)GOSSIP_FAN_OUT_MAXIMUM, "both kinds of listeners fit");

void broadcast_write(struct gossip *gossip, const struct member *const *first, size_t first_count) {
    gossip->news->round++;
    if (gossip->news->count > 0 || first_count > 0)
        telling_write(gossip, first, first_count);
}

/* What the bandwidth lets through now: urgent news, with the others' shares beside it, or all. */
static bool broadcast_may_run(const struct gossip *gossip) {
    bool is_urgent = gossip->counters.news_waiting[GOSSIP_URGENT] > 0;
    return bucket_admits(gossip, is_urgent ? BUCKET_URGENT : BUCKET_NEWS);
}

/* One telling to one member: news may take several datagrams, each piece once. */
static void broadcast_tell(struct gossip *gossip, const struct member *member) {
    gossip->news->round++;
    for (unsigned i = 0; i < NEWS_DATAGRAMS_PER_ROUND && broadcast_may_run(gossip); i++) {
        gossip_begin(gossip, CODEC_NEWS, member);
        size_t empty = gossip->writer.buffer.length;
        telling_write(gossip, NULL, 0);
        if (gossip->writer.buffer.length == empty)
            return;
        gossip_send(gossip, &member->shown.who->address);
    }
}

/* How often the freshest of what waits was told. */
static unsigned broadcast_least_told(const struct gossip *gossip) {
    unsigned least = GOSSIP_SENT_MAXIMUM;
    for (unsigned priority = 0; priority < GOSSIP_PRIORITY_COUNT; priority++)
        for (uint64_t left = gossip->news->lists_held[priority]; left != 0; left &= left - 1) {
            unsigned told = (unsigned)__builtin_ctzll(left);
            if (told < least && !list_is_empty(&gossip->news->lists[priority][told]))
                least = told;
        }
    return least;
}

/* A piece of news is fresh until it was told to fan_out by lot; then the next in the circle are
 * told, soon; what is told after that is insurance against loss, and may be slow. */
enum broadcast_stage { STAGE_FRESH, STAGE_NEXT, STAGE_SLOW };

static enum broadcast_stage broadcast_stage(const struct gossip *gossip) {
    unsigned told = broadcast_least_told(gossip);
    if (told == 0)
        return STAGE_FRESH;
    return told < gossip->news->pace.fan_out + LISTENERS_NEXT ? STAGE_NEXT : STAGE_SLOW;
}

static uint64_t broadcast_pause_us(const struct gossip *gossip) {
    const struct pace *pace = &gossip->news->pace;
    enum broadcast_stage stage = broadcast_stage(gossip);
    uint64_t pause_us = stage == STAGE_FRESH ? pace->flush_us : NEXT_FLUSHES * pace->flush_us;
    if (stage == STAGE_SLOW && pause_us < pace->slow_us)
        pause_us = pace->slow_us;
    return pause_us > 0 ? pause_us : NEWS_SHORTEST_PAUSE_US;
}

/* The only one of its zone has nobody next to it. */
static size_t broadcast_listeners(struct gossip *gossip, struct member **listeners) {
    size_t count = 0;
    switch (broadcast_stage(gossip)) {
    case STAGE_FRESH:
        return listeners_by_lot(gossip, gossip->news->pace.fan_out, listeners);
    case STAGE_NEXT:
        count = listeners_next(gossip, listeners);
        break;
    case STAGE_SLOW:
        break;
    }
    if (count > 0)
        return count;
    return listeners_by_lot(gossip, (gossip->news->pace.fan_out + 1) / 2, listeners);
}

static void broadcast_wait(struct gossip *gossip) {
    bool is_urgent = gossip->counters.news_waiting[GOSSIP_URGENT] > 0;
    uint64_t wait_us = bucket_wait_us(gossip, is_urgent ? BUCKET_URGENT : BUCKET_NEWS);
    uint64_t pause_us = broadcast_pause_us(gossip);
    gossip->counters.news_waits++;
    news_due(gossip, gossip->now_us + later(wait_us, pause_us));
}

void broadcast_run(struct gossip *gossip) {
    if (gossip->now_us < gossip->news->due_us)
        return;
    gossip->news->due_us = GOSSIP_NEVER;
    if (gossip->news->count == 0 || gossip_live_count(gossip) == 0)
        return; /* news_listener_came() */
    if (!broadcast_may_run(gossip)) {
        broadcast_wait(gossip);
        return;
    }
    gossip->news->told_us = gossip->now_us;
    struct member *listeners[GOSSIP_FAN_OUT_MAXIMUM];
    size_t count = broadcast_listeners(gossip, listeners);
    for (size_t i = 0; i < count; i++)
        broadcast_tell(gossip, listeners[i]);
    if (gossip->news->count > 0)
        news_due(gossip, gossip->now_us + broadcast_pause_us(gossip));
}

void broadcast_goodbye(struct gossip *gossip) {
    struct member *listeners[GOODBYE_DATAGRAMS];
    const struct member *self = gossip->self;
    size_t live = gossip_live_count(gossip);
    size_t count =
        member_choose(gossip, NULL, live < GOODBYE_DATAGRAMS ? live : GOODBYE_DATAGRAMS, listeners);
    for (size_t i = 0; i < count; i++) {
        gossip_begin(gossip, CODEC_NEWS, listeners[i]);
        broadcast_write(gossip, &self, 1);
        gossip_send(gossip, &listeners[i]->shown.who->address);
    }
}

uint64_t broadcast_deadline_us(const struct gossip *gossip) { return gossip->news->due_us; }
