#include "gossip/broadcast.h"
#include "base/check.h"
#include "gossip/member.h"
#include "gossip/state.h"

enum {
    NEWS_DATAGRAMS_PER_ROUND =
        4, /* to one member; a flood of news takes more rounds, not more at once */
    NEWS_MISFIT_MAXIMUM =
        8, /* entries too large for what is left of a datagram before it is sent as it is */
    NEWS_ROUNDS_PER_PROBE = 10, /* after the first telling: rounds in a probe interval */
    GOODBYE_DATAGRAMS = 64
};

void broadcast_init(struct news *news, enum news_kind kind) {
    *news = (struct news){.kind = kind};
    list_init(&news->link);
}

static void broadcast_due(struct gossip *gossip, uint64_t after_us) {
    uint64_t due_us = gossip->now_us + after_us;
    if (due_us < gossip->news_us)
        gossip->news_us = due_us;
}

void broadcast_add(struct gossip *gossip, struct news *news, enum news_priority priority) {
    broadcast_remove(gossip, news);
    news->priority = priority;
    news->sent_count = 0;
    news->round = 0;
    news->is_waiting = true;
    list_prepend(&gossip->news[priority][0], &news->link);
    gossip->news_count++;
    broadcast_due(gossip, gossip->timing.flush_us);
}

void broadcast_remove(struct gossip *gossip, struct news *news) {
    if (!news->is_waiting)
        return;
    list_remove(&news->link);
    news->is_waiting = false;
    gossip->news_count--;
}

static unsigned broadcast_limit(const struct gossip *gossip) {
    unsigned bits = 1;
    for (size_t live = member_live_count(gossip); live > 1; live /= 2)
        bits++;
    unsigned limit = 3 * bits;
    return limit < GOSSIP_SENT_MAXIMUM ? limit : GOSSIP_SENT_MAXIMUM;
}

static void broadcast_told(struct gossip *gossip, struct news *news) {
    news->round = gossip->news_round;
    list_remove(&news->link);
    if (++news->sent_count < broadcast_limit(gossip)) {
        list_append(&gossip->news[news->priority][news->sent_count], &news->link);
        return;
    }
    news->is_waiting = false;
    gossip->news_count--;
}

static bool broadcast_write_record(struct gossip *gossip, const struct member *member) {
    struct codec_record record;
    member_record(member, &record);
    return codec_write_record(&gossip->writer, &record);
}

bool broadcast_write_entry(struct gossip *gossip, const struct entry *entry) {
    const struct member *member = entry->member;
    struct codec_group group = {.generation = member->shown.generation, .floor = member->floor};
    memcpy(group.uuid, member->shown.uuid, GOSSIP_UUID_BYTES);
    struct codec_entry written = {
        .version = entry->version,
        .previous = state_previous(entry),
        .is_removed = entry->is_removed,
        .key = bytes_of(entry->data, entry->key_length),
        .value = bytes_of(entry->data + entry->key_length, entry->value_length)};
    if (!codec_group_begin(&gossip->writer, &group))
        return false;
    if (!codec_write_entry(&gossip->writer, &written)) {
        codec_group_cancel(&gossip->writer);
        return false;
    }
    codec_group_end(&gossip->writer);
    return true;
}

static bool broadcast_write_news(struct gossip *gossip, struct list *link) {
    struct news *news = LIST_ELEMENT(link, struct news, link);
    if (news->kind == NEWS_RECORD)
        return broadcast_write_record(gossip, LIST_ELEMENT(news, struct member, news));
    return broadcast_write_entry(gossip, LIST_ELEMENT(news, struct entry, news));
}

/* All news of these priorities that fits and is not part of this telling yet, into the open list.
 */
static void broadcast_fill(struct gossip *gossip, enum news_priority from, enum news_priority to) {
    unsigned misfits = 0;
    for (enum news_priority priority = from; priority <= to; priority++)
        for (unsigned sent = 0; sent < GOSSIP_SENT_MAXIMUM; sent++)
            LIST_EACH (&gossip->news[priority][sent], link) {
                struct news *news = LIST_ELEMENT(link, struct news, link);
                if (news->round == gossip->news_round)
                    continue;
                if (broadcast_write_news(gossip, link))
                    broadcast_told(gossip, news);
                else if (++misfits == NEWS_MISFIT_MAXIMUM)
                    return;
            }
}

static void broadcast_write_lists(struct gossip *gossip, const struct member *const *first,
                                  size_t first_count) {
    if (codec_list_begin(&gossip->writer, CODEC_SECTION_RECORDS)) {
        for (size_t i = 0; i < first_count; i++)
            CHECK(broadcast_write_record(gossip, first[i]));
        broadcast_fill(gossip, NEWS_URGENT, NEWS_MEMBER);
        codec_list_end(&gossip->writer);
    }
    if (codec_list_begin(&gossip->writer, CODEC_SECTION_ENTRIES)) {
        broadcast_fill(gossip, NEWS_STATE, NEWS_STATE);
        codec_list_end(&gossip->writer);
    }
}

void broadcast_write(struct gossip *gossip, const struct member *const *first, size_t first_count) {
    gossip->news_round++;
    if (gossip->news_count > 0 || first_count > 0)
        broadcast_write_lists(gossip, first, first_count);
}

/* One telling to one member: news may take several datagrams, each piece once. */
static void broadcast_tell(struct gossip *gossip, const struct member *member) {
    gossip->news_round++;
    for (unsigned i = 0; i < NEWS_DATAGRAMS_PER_ROUND; i++) {
        gossip_begin(gossip, CODEC_NEWS);
        size_t empty = gossip->writer.buffer.length;
        broadcast_write_lists(gossip, NULL, 0);
        if (gossip->writer.buffer.length == empty)
            return;
        gossip_send(gossip, &member->shown.address);
    }
}

void broadcast_run(struct gossip *gossip) {
    if (gossip->now_us < gossip->news_us)
        return;
    gossip->news_us = GOSSIP_NEVER;
    struct member *listeners[GOSSIP_FAN_OUT];
    size_t count = member_choose(gossip, NULL, GOSSIP_FAN_OUT, listeners);
    for (size_t i = 0; i < count; i++)
        broadcast_tell(gossip, listeners[i]);
    if (gossip->news_count == 0)
        return;
    uint64_t pause_us = gossip->timing.probe_interval_us / NEWS_ROUNDS_PER_PROBE;
    broadcast_due(gossip, pause_us > gossip->timing.flush_us ? pause_us : gossip->timing.flush_us);
}

void broadcast_goodbye(struct gossip *gossip) {
    struct member *listeners[GOODBYE_DATAGRAMS];
    const struct member *self = gossip->self;
    size_t live = gossip->rotation.count;
    size_t count =
        member_choose(gossip, NULL, live < GOODBYE_DATAGRAMS ? live : GOODBYE_DATAGRAMS, listeners);
    for (size_t i = 0; i < count; i++) {
        gossip_begin(gossip, CODEC_NEWS);
        broadcast_write(gossip, &self, 1);
        gossip_send(gossip, &listeners[i]->shown.address);
    }
}
