#include "gossip/news/telling.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/planted.h"
#include "gossip/instance/bucket.h"
#include "gossip/members/chain.h"
#include "gossip/members/member.h"
#include "gossip/news/news.h"
#include "gossip/news/news_room.h"

enum {
    TELLING_PIECE_MAXIMUM = 96,
    TELLING_MISFIT_MAXIMUM = 8, /* pieces too large for what is left before it is left empty */
    TELLING_LEAST_BYTES = 24,   /* nothing is shorter, but what goes into a group that is there */
    TELLING_EXPECT_MAXIMUM = 24,
    TELLING_CREDIT_MAXIMUM = GOSSIP_DATAGRAM_MAXIMUM
};

/* The pieces chosen, out of their lists until they are written. */
struct telling {
    struct gossip *gossip;
    struct news *pieces[TELLING_PIECE_MAXIMUM];
    size_t bytes[TELLING_PIECE_MAXIMUM];
    bool is_written[TELLING_PIECE_MAXIMUM];
    size_t count, group_count;
    size_t room; /* bytes */
};

/* One piece of news. */

static struct codec_entry entry_said(const struct news *news) {
    return (struct codec_entry){.version = news->entry->version,
                                .previous = chain_previous(news->member->chain, news->entry),
                                .is_removed = news->entry->is_removed,
                                .key = entry_key(news->entry),
                                .value = entry_value(news->entry),
                                .created_us = news->entry->created_us};
}

static struct codec_group group_of(const struct member *member) {
    struct codec_group group = {.generation = member->shown.who->generation,
                                .floor = member->chain->floor};
    memcpy(group.uuid, member->shown.who->uuid, GOSSIP_UUID_BYTES);
    return group;
}

/* Entries of one member and one priority stand in one group. */
static bool is_same_group(const struct news *a, const struct news *b) {
    return a->entry != NULL && b->entry != NULL && a->priority == b->priority &&
           a->member == b->member;
}

static bool telling_has_group(const struct telling *telling, struct news *news) {
    for (size_t i = 0; i < telling->count; i++)
        if (is_same_group(telling->pieces[i], news))
            return true;
    return false;
}

static size_t telling_bytes(const struct telling *telling, struct news *news, bool is_new_group) {
    if (news->entry == NULL) {
        struct codec_record record;
        member_record(news->member, &record);
        return codec_record_bytes(&telling->gossip->writer->wire, &record);
    }
    struct codec_entry entry = entry_said(news);
    size_t bytes = codec_entry_bytes(&telling->gossip->writer->wire, &entry);
    if (!is_new_group)
        return bytes;
    struct codec_group group = group_of(news->member);
    return bytes + codec_group_bytes(&group) + codec_priorities_bytes(telling->group_count + 1) -
           codec_priorities_bytes(telling->group_count);
}

/* Choosing. */

static bool telling_is_full(const struct telling *telling) {
    return telling->count == TELLING_PIECE_MAXIMUM || telling->room < TELLING_LEAST_BYTES;
}

/* In this round, by an earlier datagram. */
static bool was_told_now(const struct telling *telling, const struct news *news) {
    return news->round == telling->gossip->news->round;
}

/* Takes the piece if it fits into `allowance` and the room; returns its bytes, or 0. */
static size_t telling_take(struct telling *telling, struct news *news, size_t allowance) {
    bool is_new_group = news->entry != NULL && !telling_has_group(telling, news);
    size_t bytes = telling_bytes(telling, news, is_new_group);
    if (bytes > allowance || bytes > telling->room)
        return 0;
    telling->room -= bytes;
    telling->group_count += is_new_group;
    telling->bytes[telling->count] = bytes;
    telling->pieces[telling->count++] = news;
    list_remove(&news->link);
    return bytes;
}

/* What a datagram may take from the front of that list is fetched at the same time: in a flood
 * nothing of it is in the processor's caches (index.h). */
static void telling_expect(const struct telling *telling, const struct list *list,
                           size_t allowance) {
    const struct member *members[TELLING_EXPECT_MAXIMUM];
    size_t count = 0, wanted = 1 + allowance / TELLING_LEAST_BYTES;
    LIST_EACH (list, link) {
        const struct news *news = LIST_ELEMENT(link, struct news, link);
        if (was_told_now(telling, news) || count == TELLING_EXPECT_MAXIMUM || count == wanted)
            break;
        members[count] = news->member;
        memory_fetch(members[count++]);
    }
    for (size_t i = 0; i < count; i++)
        memory_fetch_all(members[i]->shown.who, sizeof *members[i]->shown.who);
}

/* Of one list as much as fits. What was told in this round stands behind the others: at its end. */
static size_t telling_choose_of(struct telling *telling, struct list *list, size_t allowance,
                                unsigned *misfits) {
    size_t taken = 0;
    if (telling_is_full(telling) || *misfits == TELLING_MISFIT_MAXIMUM)
        return 0;
    telling_expect(telling, list, allowance < telling->room ? allowance : telling->room);
    LIST_EACH (list, link) {
        struct news *news = LIST_ELEMENT(link, struct news, link);
        if (was_told_now(telling, news) || telling_is_full(telling) ||
            *misfits == TELLING_MISFIT_MAXIMUM)
            break;
        size_t bytes = telling_take(telling, news, allowance - taken);
        taken += bytes;
        *misfits += bytes == 0;
    }
    return taken;
}

static size_t telling_choose(struct telling *telling, enum gossip_priority priority,
                             size_t allowance) {
    struct gossip *gossip = telling->gossip;
    unsigned misfits = 0;
    size_t taken = 0;
    for (uint64_t left = gossip->news->lists_held[priority]; left != 0; left &= left - 1) {
        unsigned sent = (unsigned)__builtin_ctzll(left);
        struct list *list = &gossip->news->lists[priority][sent];
        taken += telling_choose_of(telling, list, allowance - taken, &misfits);
        if (list_is_empty(list))
            gossip->news->lists_held[priority] &= ~((uint64_t)1 << sent);
    }
    return taken;
}

static void telling_choose_shares(struct telling *telling) {
    struct gossip *gossip = telling->gossip;
    size_t room = telling->room,
           urgent = telling_choose(telling, GOSSIP_URGENT, gossip->timing.urgent_bytes);
    bool has_plenty = bucket_admits(gossip, BUCKET_NEWS);
    if (!has_plenty && (urgent == 0 || !bucket_admits(gossip, BUCKET_URGENT)))
        return;
    for (enum gossip_priority priority = GOSSIP_CLUSTER; priority <= GOSSIP_REST; priority++) {
        size_t *credit = &gossip->news->credit[priority];
        *credit +=
            PLANTED(GOSSIP_SHARES_LOST) ? 0 : room * gossip->timing.share_percent[priority] / 100;
        if (*credit > TELLING_CREDIT_MAXIMUM)
            *credit = TELLING_CREDIT_MAXIMUM;
        *credit -= telling_choose(telling, priority, *credit);
        if (gossip->news->lists_held[priority] == 0)
            *credit = 0; /* nothing waits: nothing is owed */
    }
    enum gossip_priority last = has_plenty ? GOSSIP_REST : GOSSIP_URGENT;
    for (enum gossip_priority priority = GOSSIP_URGENT; priority <= last; priority++)
        telling_choose(telling, priority, telling->room);
}

/* Writing. */

static void telling_write_record(struct telling *telling, size_t position) {
    struct codec_record record;
    member_record(telling->pieces[position]->member, &record);
    telling->is_written[position] = codec_write_record(telling->gossip->writer, &record);
}

static void telling_write_records(struct telling *telling, const struct member *const *first,
                                  size_t first_count) {
    struct codec_writer *writer = telling->gossip->writer;
    if (!codec_list_begin(writer, CODEC_SECTION_RECORDS))
        return;
    for (size_t i = 0; i < first_count; i++) {
        struct codec_record record;
        member_record(first[i], &record);
        CHECK(codec_write_record(writer, &record));
    }
    for (size_t i = 0; i < telling->count; i++)
        if (telling->pieces[i]->entry == NULL)
            telling_write_record(telling, i);
    codec_list_end(writer);
}

/* The piece at this place, and all behind it that belong into its group. */
static bool telling_write_group(struct telling *telling, size_t from) {
    struct codec_writer *writer = telling->gossip->writer;
    struct codec_group group = group_of(telling->pieces[from]->member);
    size_t written = 0;
    if (!codec_group_begin(writer, &group))
        return false;
    for (size_t i = from; i < telling->count; i++) {
        if (!is_same_group(telling->pieces[i], telling->pieces[from]))
            continue;
        struct codec_entry entry = entry_said(telling->pieces[i]);
        telling->is_written[i] = codec_write_entry(writer, &entry);
        written += telling->is_written[i];
    }
    if (written > 0)
        codec_group_end(writer);
    else
        codec_group_cancel(writer);
    return written > 0;
}

static bool telling_is_first_of_group(const struct telling *telling, size_t position) {
    for (size_t i = 0; i < position; i++)
        if (is_same_group(telling->pieces[i], telling->pieces[position]))
            return false;
    return telling->pieces[position]->entry != NULL;
}

static void telling_write_entries(struct telling *telling) {
    struct codec_writer *writer = telling->gossip->writer;
    enum gossip_priority priorities[TELLING_PIECE_MAXIMUM];
    size_t groups = 0;
    bool is_plain = true;
    if (telling->group_count == 0 || !codec_list_begin(writer, CODEC_SECTION_ENTRIES))
        return;
    for (size_t i = 0; i < telling->count; i++)
        if (telling_is_first_of_group(telling, i) && telling_write_group(telling, i)) {
            priorities[groups++] = telling->pieces[i]->priority;
            is_plain &= telling->pieces[i]->priority == GOSSIP_STATE;
        }
    codec_list_end(writer);
    if (!is_plain)
        codec_write_priorities(writer, priorities, groups);
}

/* What was written counts as told; the rest goes back to where it was, in its order. */
static void telling_settle(struct telling *telling) {
    for (size_t i = telling->count; i > 0; i--)
        if (!telling->is_written[i - 1])
            news_put_back(telling->gossip, telling->pieces[i - 1]);
    for (size_t i = 0; i < telling->count; i++)
        if (telling->is_written[i])
            news_told(telling->gossip, telling->pieces[i], telling->bytes[i]);
}

void telling_write(struct gossip *gossip, const struct member *const *first, size_t first_count) {
    enum { SECTIONS = 3 };
    struct telling telling = {.gossip = gossip};
    size_t used = gossip->writer->buffer.length + SECTIONS * CODEC_SECTION_HEADER_BYTES;
    size_t fitting = 0;
    for (; fitting < first_count; fitting++) {
        struct codec_record record;
        member_record(first[fitting], &record);
        size_t bytes = codec_record_bytes(&gossip->writer->wire, &record);
        if (used + bytes > GOSSIP_DATAGRAM_MAXIMUM)
            break;
        used += bytes;
    }
    telling.room = used < GOSSIP_DATAGRAM_MAXIMUM ? GOSSIP_DATAGRAM_MAXIMUM - used : 0;
    telling_choose_shares(&telling);
    telling_write_records(&telling, first, fitting);
    telling_write_entries(&telling);
    telling_settle(&telling);
}
