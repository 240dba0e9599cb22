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
static_assert((int)NEWS_IN_CIRCLE <= (int)GOSSIP_FAN_OUT_MAXIMUM, "both kinds of listeners fit");

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
        size_t empty = gossip->writer->buffer.length;
        telling_write(gossip, NULL, 0);
        if (gossip->writer->buffer.length == empty)
            return;
        gossip_send(gossip, &member->shown.who->address);
    }
}

/* Of what waits, the freshest decides for all of it. */
static uint64_t broadcast_pause_us(const struct gossip *gossip) {
    const struct pace *pace = &gossip->news->pace;
    enum news_stage stage = news_stage(gossip, news_freshest(gossip));
    uint64_t pause_us = stage == NEWS_FRESH ? pace->flush_us : NEXT_FLUSHES * pace->flush_us;
    if (stage == NEWS_SLOW && pause_us < pace->slow_us)
        pause_us = pace->slow_us;
    return pause_us > 0 ? pause_us : NEWS_SHORTEST_PAUSE_US;
}

/* The only one of its zone has nobody next to it. */
static size_t broadcast_listeners(struct gossip *gossip, struct member **listeners) {
    const struct news *freshest = news_freshest(gossip);
    size_t count = 0;
    switch (news_stage(gossip, freshest)) {
    case NEWS_FRESH:
        return listeners_by_lot(gossip, news_by_lot(gossip, freshest) - freshest->sent_count,
                                listeners);
    case NEWS_NEXT:
        count = listeners_next(gossip, listeners);
        break;
    case NEWS_SLOW:
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
