#include "gossip/news/news.h"
#include "base/memory.h"
#include "gossip/instance/roster.h"
#include "gossip/members/member.h"
#include "gossip/news/news_room.h"

enum {
    FLOOD_PIECES = 256, /* of one priority that wait */
    FLOOD_MORE = 2,     /* tellings beyond the fan-out */
    BURST_PIECES = 16   /* while no more wait, what is said here goes to more than what was heard */
};

void news_due(struct gossip *gossip, uint64_t due_us) {
    if (due_us < gossip->news->due_us)
        gossip->news->due_us = due_us;
}

static struct list *news_list(struct gossip *gossip, const struct news *news) {
    gossip->news->lists_held[news->priority] |= (uint64_t)1 << news->sent_count;
    return &gossip->news->lists[news->priority][news->sent_count];
}

/* Where the news of that entry, or of the record, hangs; or would. */
static struct news **news_place(struct member *member, const struct entry *entry) {
    struct news **place = &member->news;
    while (*place != NULL && (*place)->entry != entry)
        place = &(*place)->of_member;
    return place;
}

bool news_is_waiting(const struct member *member, const struct entry *entry) {
    const struct news *news = member->news;
    while (news != NULL && news->entry != entry)
        news = news->of_member;
    return news != NULL;
}

/* What was told most, and longest ago, is the least that can be lost of what others said; nobody
 * else may know what this node says of itself. */
static void news_make_room(struct gossip *gossip, enum gossip_priority priority) {
    for (unsigned told = GOSSIP_SENT_MAXIMUM; told > 0; told--)
        LIST_EACH (&gossip->news->lists[priority][told - 1], link) {
            const struct news *news = LIST_ELEMENT(link, struct news, link);
            if (news->member == gossip->self)
                continue;
            gossip->counters.dropped_for_news++;
            news_remove(gossip, news->member, news->entry);
            return;
        }
}

/* From the member itself: it was gathered there, and few hear it so. */
static bool news_is_first_hand(const struct gossip *gossip, const struct member *member) {
    return gossip->partner.is_telling &&
           memcmp(gossip->partner.uuid, member->shown.who->uuid, GOSSIP_UUID_BYTES) == 0;
}

void news_add(struct gossip *gossip, struct member *member, struct entry *entry,
              enum gossip_priority priority) {
    news_remove(gossip, member, entry);
    if (gossip->counters.news_waiting[priority] >= GOSSIP_NEWS_MAXIMUM)
        news_make_room(gossip, priority);
    struct news *news = memory_allocate(sizeof *news);
    *news = (struct news){
        .member = member, .entry = entry, .of_member = member->news, .priority = priority};
    if (entry != NULL)
        entry_hold(entry);
    member->news = news;
    list_prepend(news_list(gossip, news), &news->link);
    gossip->news->count++;
    gossip->counters.news_waiting[priority]++;
    news_due(gossip, gossip->now_us + gossip->news->pace.flush_us);
    if (news_is_first_hand(gossip, member))
        news_hurry(gossip);
}

void news_hurry(struct gossip *gossip) {
    uint64_t due_us = gossip->news->told_us + gossip->news->pace.flush_us;
    news_due(gossip, later(due_us, gossip->now_us));
}

void news_listener_came(struct gossip *gossip) {
    if (gossip->news->due_us == GOSSIP_NEVER && gossip->news->count > 0)
        news_due(gossip, gossip->now_us + gossip->news->pace.flush_us);
}

/* Its link stands in a list, or alone. */
static void news_free(struct gossip *gossip, struct news *news) {
    list_remove(&news->link);
    gossip->news->count--;
    gossip->counters.news_waiting[news->priority]--;
    if (news->entry != NULL)
        entry_release(gossip->pool, news->entry);
    memory_free(news);
}

void news_remove(struct gossip *gossip, struct member *member, const struct entry *entry) {
    struct news **place = news_place(member, entry), *news = *place;
    if (news == NULL)
        return;
    *place = news->of_member;
    news_free(gossip, news);
}

void news_remove_all(struct gossip *gossip, struct member *member) {
    while (member->news != NULL)
        news_remove(gossip, member, member->news->entry);
}

static unsigned news_tellings(const struct gossip *gossip) {
    unsigned bits = 1;
    for (size_t live = member_live_count(gossip); live > 1; live /= 2)
        bits++;
    unsigned tellings = 3 + bits * gossip->timing.tellings_percent / 100;
    return tellings < GOSSIP_SENT_MAXIMUM ? tellings : GOSSIP_SENT_MAXIMUM;
}

/* So often a piece is told. Of a flood each is told to a few only: there is no room for more, and
 * comparing two states mends what many pieces missed with fewer bytes than telling them again. */
static unsigned news_limit(const struct gossip *gossip, enum gossip_priority priority) {
    if (gossip->counters.news_waiting[priority] > FLOOD_PIECES)
        return gossip->news->pace.fan_out + FLOOD_MORE;
    return news_tellings(gossip);
}

unsigned news_by_lot(const struct gossip *gossip, const struct news *news) {
    size_t live = gossip_live_count(gossip);
    unsigned by_lot = gossip->news->pace.fan_out;
    bool is_said_here = news->member == gossip->self;
    if (is_said_here && gossip->news->count <= BURST_PIECES && news_tellings(gossip) / 2 > by_lot)
        by_lot = news_tellings(gossip) / 2;
    if (by_lot > GOSSIP_FAN_OUT_MAXIMUM)
        by_lot = GOSSIP_FAN_OUT_MAXIMUM;
    return live < by_lot ? (unsigned)live : by_lot;
}

enum news_stage news_stage(const struct gossip *gossip, const struct news *news) {
    unsigned by_lot = news_by_lot(gossip, news);
    if (news->sent_count < by_lot)
        return NEWS_FRESH;
    return news->sent_count < by_lot + NEWS_IN_CIRCLE ? NEWS_NEXT : NEWS_SLOW;
}

const struct news *news_freshest(const struct gossip *gossip) {
    const struct news *freshest = NULL;
    for (unsigned priority = 0; priority < GOSSIP_PRIORITY_COUNT; priority++)
        for (uint64_t left = gossip->news->lists_held[priority]; left != 0; left &= left - 1) {
            unsigned told = (unsigned)__builtin_ctzll(left);
            const struct list *list = &gossip->news->lists[priority][told];
            if (list_is_empty(list) || (freshest != NULL && freshest->sent_count <= told))
                continue;
            freshest = LIST_ELEMENT(list_first(list), struct news, link);
        }
    return freshest;
}

/* One more knows it. It is out of its list, and goes into a later one or is over. */
static void news_advance(struct gossip *gossip, struct news *news) {
    if (++news->sent_count < news_limit(gossip, news->priority))
        list_append(news_list(gossip, news), &news->link);
    else
        news_remove(gossip, news->member, news->entry);
}

void news_told(struct gossip *gossip, struct news *news, size_t bytes) {
    news->round = gossip->news->round;
    gossip->counters.news_told[news->priority]++;
    gossip->counters.news_bytes[news->priority] += bytes;
    news_advance(gossip, news);
}

/* One by lot is told in any case. What is told later is for those who were missed, and not told to
 * fewer because others know it. */
void news_heard_again(struct gossip *gossip, struct member *member, const struct entry *entry) {
    struct news *news = *news_place(member, entry);
    if (news == NULL || member == gossip->self)
        return;
    if (news->sent_count + 1 >= news_by_lot(gossip, news))
        return;
    list_remove(&news->link);
    news_advance(gossip, news);
}

void news_put_back(struct gossip *gossip, struct news *news) {
    list_prepend(news_list(gossip, news), &news->link);
}
