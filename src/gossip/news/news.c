#include "gossip/news/news.h"
#include "base/memory.h"
#include "gossip/instance/roster.h"
#include "gossip/members/member.h"
#include "gossip/news/news_room.h"

enum {
    FLOOD_PIECES = 256, /* of one priority that wait */
    FLOOD_MORE = 2      /* tellings beyond the fan-out */
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

/* So often a piece is told. Of a flood each is told to a few only: there is no room for more, and
 * comparing two states mends what many pieces missed with fewer bytes than telling them again. */
static unsigned news_limit(const struct gossip *gossip, enum gossip_priority priority) {
    unsigned bits = 1;
    if (gossip->counters.news_waiting[priority] > FLOOD_PIECES)
        return gossip->news->pace.fan_out + FLOOD_MORE;
    for (size_t live = member_live_count(gossip); live > 1; live /= 2)
        bits++;
    unsigned limit = 3 + bits + bits / 2;
    return limit < GOSSIP_SENT_MAXIMUM ? limit : GOSSIP_SENT_MAXIMUM;
}

void news_told(struct gossip *gossip, struct news *news, size_t bytes) {
    news->round = gossip->news->round;
    gossip->counters.news_told[news->priority]++;
    gossip->counters.news_bytes[news->priority] += bytes;
    if (++news->sent_count < news_limit(gossip, news->priority))
        list_append(news_list(gossip, news), &news->link);
    else
        news_remove(gossip, news->member, news->entry);
}

void news_put_back(struct gossip *gossip, struct news *news) {
    list_prepend(news_list(gossip, news), &news->link);
}
