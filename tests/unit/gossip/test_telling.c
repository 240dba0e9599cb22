/* What a datagram of news holds where much of every priority waits: each has its share, and nothing
 * is told twice in one round. */
#include "../unit.h"
#include "gossip/instance/roster.h"
#include "gossip/instance/sending.h"
#include "gossip/news/news.h"
#include "gossip/news/news_room.h"
#include "gossip/news/telling.h"
#include "made_up.h"

enum {
    EACH = 150,
    DATAGRAMS = 20,
    LONGEST_PIECE_BYTES = 100,
    URGENT_ALONE_BYTES = 200,
    SHORT_BYTES = 300
};

static void name_alike(unsigned number, uint8_t uuid[GOSSIP_UUID_BYTES]) {
    memset(uuid, 0xcc, GOSSIP_UUID_BYTES);
    uuid[0] = (uint8_t)(number >> 8);
    uuid[1] = (uint8_t)number;
}

/* Node 1 knows many members, and what waits is the record of each: as many of each priority. */
static struct world *world_with_news(void) {
    struct world *world = world_new(1);
    world_add(world);
    made_up_announce(world, 1, GOSSIP_PRIORITY_COUNT * EACH, name_alike);
    struct gossip *gossip = world->nodes[1].gossip;
    assert_int_equal(gossip->member_count, 1 + GOSSIP_PRIORITY_COUNT * EACH);
    news_remove_all(gossip, gossip->self);
    for (size_t i = 1; i < gossip->member_count; i++) {
        news_remove_all(gossip, gossip->members[i]);
        news_add(gossip, gossip->members[i], NULL,
                 (enum gossip_priority)(i % GOSSIP_PRIORITY_COUNT));
    }
    return world;
}

static uint64_t sum_of(const uint64_t *counts) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < GOSSIP_PRIORITY_COUNT; i++)
        sum += counts[i];
    return sum;
}

/* Writes one datagram; returns how many pieces it tells, which are as many as it holds. */
static uint64_t tell(struct gossip *gossip) {
    uint64_t before = sum_of(gossip->counters.news_told), held = 0;
    struct codec_message message;
    struct codec_record record;
    gossip_begin(gossip, CODEC_NEWS, NULL);
    telling_write(gossip, NULL, 0);
    struct bytes datagram = buffer_bytes(&gossip->writer->buffer);
    assert_true(datagram.length <= GOSSIP_DATAGRAM_MAXIMUM);
    assert_int_equal(codec_decode(&message, datagram), 0);
    for (struct cursor in = cursor_of(message.records); cursor_left(&in) > 0; held++)
        codec_read_record(&in, &message.wire, &record);
    assert_int_equal(sum_of(gossip->counters.news_told) - before, held);
    return held;
}

/* Of all bytes so many of a hundred, to one piece, as what a share could not use is kept for it;
 * what is left over is for what is urgent. */
static void check_shares(struct gossip *gossip, const unsigned percent[GOSSIP_PRIORITY_COUNT]) {
    uint64_t bytes[GOSSIP_PRIORITY_COUNT];
    memcpy(bytes, gossip->counters.news_bytes, sizeof bytes);
    for (unsigned i = 0; i < DATAGRAMS; i++) {
        gossip->news->round++;
        tell(gossip);
    }
    for (unsigned i = 0; i < GOSSIP_PRIORITY_COUNT; i++)
        bytes[i] = gossip->counters.news_bytes[i] - bytes[i];
    uint64_t all = sum_of(bytes), most = (uint64_t)DATAGRAMS * GOSSIP_DATAGRAM_MAXIMUM;
    assert_in_range(all, most * 9 / 10, most);
    for (unsigned i = GOSSIP_CLUSTER; i <= GOSSIP_REST; i++)
        assert_in_range(bytes[i], all * percent[i] / 100 - LONGEST_PIECE_BYTES,
                        most * percent[i] / 100 + LONGEST_PIECE_BYTES);
    unsigned others = percent[GOSSIP_CLUSTER] + percent[GOSSIP_STATE] + percent[GOSSIP_REST];
    assert_true(bytes[GOSSIP_URGENT] >= all * (100 - others) / 100 - LONGEST_PIECE_BYTES);
}

/* A little of what is urgent comes first, then the shares: those of the default, and others from
 * the moment at which they are set. */
static void test_each_priority_has_its_share(void **state) {
    (void)state;
    static const unsigned usual[GOSSIP_PRIORITY_COUNT] = {
        [GOSSIP_CLUSTER] = 30, [GOSSIP_STATE] = 20, [GOSSIP_REST] = 10};
    struct world *world = world_with_news();
    struct gossip *gossip = world->nodes[1].gossip;
    struct gossip_timing timing = world->timing;
    check_shares(gossip, usual);
    timing.share_percent[GOSSIP_CLUSTER] = 5;
    timing.share_percent[GOSSIP_STATE] = 12;
    timing.share_percent[GOSSIP_REST] = 33;
    gossip_set_timing(gossip, &timing);
    check_shares(gossip, timing.share_percent);
    world_free(world);
}

/* What one datagram tells of a priority while that many bytes may be sent. */
static void tell_within(struct gossip *gossip, int64_t tokens,
                        uint64_t bytes[GOSSIP_PRIORITY_COUNT]) {
    uint64_t before[GOSSIP_PRIORITY_COUNT];
    memcpy(before, gossip->counters.news_bytes, sizeof before);
    gossip->bucket.tokens = tokens;
    gossip->news->round++;
    tell(gossip);
    for (unsigned i = 0; i < GOSSIP_PRIORITY_COUNT; i++)
        bytes[i] = gossip->counters.news_bytes[i] - before[i];
}

/* In the last quarter of the bandwidth the others' shares go beside what is urgent, and nothing
 * more of them; alone they wait. Where nothing is left, a little of what is urgent goes alone. */
static void test_the_last_quarter_is_not_for_the_others_alone(void **state) {
    (void)state;
    struct world *world = world_with_news();
    struct gossip *gossip = world->nodes[1].gossip;
    int64_t tenth = gossip->bucket.tokens / 10;
    uint64_t bytes[GOSSIP_PRIORITY_COUNT];
    tell_within(gossip, tenth, bytes);
    assert_true(bytes[GOSSIP_URGENT] > 0);
    assert_in_range(bytes[GOSSIP_CLUSTER], 1, GOSSIP_DATAGRAM_MAXIMUM * 30 / 100);
    assert_in_range(bytes[GOSSIP_STATE], 1, GOSSIP_DATAGRAM_MAXIMUM * 20 / 100);
    assert_in_range(bytes[GOSSIP_REST], 1, GOSSIP_DATAGRAM_MAXIMUM * 10 / 100);
    tell_within(gossip, 0, bytes);
    assert_in_range(bytes[GOSSIP_URGENT], 1, URGENT_ALONE_BYTES);
    assert_int_equal(sum_of(bytes), bytes[GOSSIP_URGENT]);
    struct gossip_timing timing = world->timing;
    timing.urgent_bytes = 3 * URGENT_ALONE_BYTES;
    gossip_set_timing(gossip, &timing);
    tell_within(gossip, 0, bytes);
    assert_in_range(bytes[GOSSIP_URGENT], 2 * URGENT_ALONE_BYTES, 3 * URGENT_ALONE_BYTES);
    assert_int_equal(sum_of(bytes), bytes[GOSSIP_URGENT]);
    for (size_t i = 1; i < gossip->member_count; i++)
        if (i % GOSSIP_PRIORITY_COUNT == GOSSIP_URGENT)
            news_remove_all(gossip, gossip->members[i]);
    tell_within(gossip, tenth, bytes);
    assert_int_equal(sum_of(bytes), 0);
    tell_within(gossip, 10 * tenth, bytes);
    assert_true(sum_of(bytes) > GOSSIP_DATAGRAM_MAXIMUM * 9 / 10);
    world_free(world);
}

/* However many datagrams one round takes, each piece is in one of them, and none is left out; the
 * next round begins again. */
static void test_a_round_tells_each_piece_once(void **state) {
    (void)state;
    struct world *world = world_with_news();
    struct gossip *gossip = world->nodes[1].gossip;
    for (unsigned round = 0; round < 3; round++) {
        uint64_t told = 0, now;
        gossip->news->round++;
        while ((now = tell(gossip)) > 0)
            told += now;
        assert_int_equal(told, GOSSIP_PRIORITY_COUNT * EACH);
        assert_int_equal(gossip->news->count, GOSSIP_PRIORITY_COUNT * EACH);
    }
    world_free(world);
}

/* A datagram that takes less than was reckoned with; returns how many pieces it tells. Of each
 * priority the last that was added comes first. */
static uint64_t tell_too_much(struct gossip *gossip, size_t last[GOSSIP_PRIORITY_COUNT]) {
    uint64_t held = 0;
    struct codec_message message;
    struct codec_record record;
    gossip_begin(gossip, CODEC_NEWS, NULL);
    gossip->writer->buffer.maximum_bytes = SHORT_BYTES;
    telling_write(gossip, NULL, 0);
    assert_int_equal(codec_decode(&message, buffer_bytes(&gossip->writer->buffer)), 0);
    for (struct cursor in = cursor_of(message.records); cursor_left(&in) > 0; held++) {
        codec_read_record(&in, &message.wire, &record);
        size_t seat = member_find(gossip, record.uuid)->shown.seat;
        size_t *before = &last[seat % GOSSIP_PRIORITY_COUNT];
        assert_true(seat < *before);
        *before = seat;
    }
    return held;
}

/* What was chosen and did not go in waits on, in its place. */
static void test_what_does_not_go_in_waits_in_its_place(void **state) {
    (void)state;
    struct world *world = world_with_news();
    struct gossip *gossip = world->nodes[1].gossip;
    size_t last[GOSSIP_PRIORITY_COUNT];
    uint64_t told = 0, now;
    for (unsigned i = 0; i < GOSSIP_PRIORITY_COUNT; i++)
        last[i] = SIZE_MAX;
    gossip->news->round++;
    while ((now = tell_too_much(gossip, last)) > 0)
        told += now;
    assert_int_equal(told, GOSSIP_PRIORITY_COUNT * EACH);
    world_free(world);
}

/* Of a flood what was told most gives way, but nothing that this node says of itself: that nobody
 * else may know. */
static void test_a_flood_does_not_drop_what_is_our_own(void **state) {
    (void)state;
    struct world *world = world_new(2);
    world_add(world);
    made_up_announce(world, 1, 1, name_alike);
    struct gossip *gossip = world->nodes[1].gossip;
    gossip->news->round++;
    assert_int_equal(tell(gossip), 2); /* its own record, and that of the other one */
    made_up_announce(world, 1, GOSSIP_NEWS_MAXIMUM + EACH, name_alike);
    assert_true(gossip->counters.dropped_for_news > 0);
    assert_int_equal(gossip->counters.news_waiting[GOSSIP_CLUSTER], GOSSIP_NEWS_MAXIMUM);
    assert_true(news_is_waiting(gossip->self, NULL));
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_each_priority_has_its_share),
          cmocka_unit_test(test_a_flood_does_not_drop_what_is_our_own),
          cmocka_unit_test(test_the_last_quarter_is_not_for_the_others_alone),
          cmocka_unit_test(test_a_round_tells_each_piece_once),
          cmocka_unit_test(test_what_does_not_go_in_waits_in_its_place))
