/* To whom news is told, when, and how often: what broadcast.h draws. One core that knows sixty
 * members who never answer, and whom it has no time to probe. */
#include "../unit.h"
#include "gossip/gossip.h"
#include "gossip/news/news.h"
#include "gossip/wire/codec.h"

enum {
    MILLISECOND = 1000,
    SECOND = 1000000,
    MEMBERS = 60,
    FAN_OUT = 4,
    NEXT = 4,
    FLUSH_US = 5 * MILLISECOND,
    SLOW_US = 10 * SECOND, /* a tenth of the probe interval */
    APART = 4,             /* by the first byte of their UUIDs */
    SELF = 151,
    BEHIND_SELF = SELF / APART + 1, /* the member who is next in the circle */
    TELLINGS = 12,                  /* 3 + 1.5 log2 of those that live, in whole numbers */
    AT_ONCE = TELLINGS / 2          /* of what this node says itself */
};

struct teller {
    struct gossip *gossip;
    uint64_t now_us;
    unsigned told[256]; /* datagrams of news in the last step, by member */
    unsigned count;
};

static struct gossip_address address_of(unsigned member) {
    struct gossip_address address = {.port = 7000};
    snprintf(address.host, sizeof address.host, "10.0.0.%u", member);
    return address;
}

static void step(struct teller *teller, uint64_t after_us, struct gossip_event event) {
    struct gossip_actions actions;
    teller->now_us += after_us;
    event.now_us = teller->now_us;
    gossip_step(teller->gossip, &event, &actions);
    memset(teller->told, 0, sizeof teller->told);
    teller->count = 0;
    for (size_t i = 0; i < actions.datagram_count; i++) {
        unsigned member;
        if (strcmp(gossip_datagram_kind(actions.datagrams[i].bytes), "NEWS") != 0)
            continue;
        assert_int_equal(sscanf(actions.datagrams[i].to.host, "10.0.0.%u", &member), 1);
        teller->told[member]++;
        teller->count++;
    }
}

static void pass(struct teller *teller, uint64_t after_us) {
    step(teller, after_us, (struct gossip_event){.kind = GOSSIP_TICK});
}

static void say(struct teller *teller, uint64_t after_us, const char *key, const char *value) {
    step(teller, after_us,
         (struct gossip_event){.kind = GOSSIP_SET,
                               .key = bytes_of_text(key),
                               .value = bytes_of_text(value),
                               .priority = GOSSIP_STATE});
}

/* To how many; each as often. */
static unsigned listeners(const struct teller *teller, unsigned each) {
    unsigned count = 0;
    for (unsigned member = 0; member < 256; member++) {
        assert_true(teller->told[member] == 0 || teller->told[member] == each);
        count += teller->told[member] > 0;
    }
    return count;
}

static struct gossip_counters counters_of(const struct teller *teller) {
    struct gossip_counters counters;
    gossip_counters(teller->gossip, &counters);
    return counters;
}

static void name_member(unsigned member, uint8_t uuid[GOSSIP_UUID_BYTES]) {
    memset(uuid, 0, GOSSIP_UUID_BYTES);
    uuid[0] = (uint8_t)(member * APART);
    uuid[1] = (uint8_t)(member / 64);
}

/* Member `from` tells a key of member `of`. */
static void hear(struct teller *teller, unsigned from, unsigned of, const char *value) {
    struct codec_writer writer;
    struct codec_group group = {.generation = 1};
    struct codec_entry entry = {
        .version = 1, .key = BYTES_LITERAL("color"), .value = bytes_of_text(value)};
    uint8_t sender[GOSSIP_UUID_BYTES];
    name_member(from, sender);
    name_member(of, group.uuid);
    codec_writer_init(&writer);
    codec_begin(&writer, &(struct codec_wire){0}, CODEC_NEWS, sender, 1);
    assert_true(codec_list_begin(&writer, CODEC_SECTION_ENTRIES));
    assert_true(codec_group_begin(&writer, &group));
    assert_true(codec_write_entry(&writer, &entry));
    codec_group_end(&writer);
    codec_list_end(&writer);
    step(teller, 0,
         (struct gossip_event){.kind = GOSSIP_DATAGRAM,
                               .address = address_of(from),
                               .bytes = buffer_bytes(&writer.buffer)});
    codec_writer_release(&writer);
}

static void introduce(struct teller *teller, unsigned first, unsigned count) {
    static const struct codec_wire wire = {.version = 0};
    struct codec_writer writer;
    codec_writer_init(&writer);
    for (unsigned member = first; member < first + count; member++) {
        struct codec_record record = {.generation = 1, .address = address_of(member)};
        name_member(member, record.uuid);
        codec_begin(&writer, &wire, CODEC_NEWS, (const uint8_t[GOSSIP_UUID_BYTES]){0xee}, 1);
        assert_true(codec_list_begin(&writer, CODEC_SECTION_RECORDS));
        assert_true(codec_write_record(&writer, &record));
        codec_list_end(&writer);
        step(teller, 0,
             (struct gossip_event){.kind = GOSSIP_DATAGRAM,
                                   .address = address_of(255),
                                   .bytes = buffer_bytes(&writer.buffer)});
    }
    codec_writer_release(&writer);
}

/* What was news of the others, and of this node's own beginning, is over. */
static struct teller teller_of(unsigned members) {
    struct gossip_options options = {.uuid = {SELF},
                                     .generation = 1,
                                     .address = address_of(254),
                                     .timing = {.probe_interval_us = 10 * SLOW_US,
                                                .probe_timeout_us = 10 * SLOW_US,
                                                .flush_us = FLUSH_US,
                                                .suspicion_factor = 4},
                                     .seed = 1,
                                     .now_us = SECOND};
    struct teller teller = {.gossip = gossip_new(&options), .now_us = SECOND};
    introduce(&teller, 0, members);
    for (size_t i = 0; i < teller.gossip->member_count; i++)
        news_remove_all(teller.gossip, teller.gossip->members[i]);
    return teller;
}

/* Nobody is told before, and then so many, each once. */
static void expect_told_after(struct teller *teller, uint64_t after_us, unsigned expected) {
    pass(teller, after_us - 1);
    assert_int_equal(teller->count, 0);
    pass(teller, 1);
    assert_int_equal(listeners(teller, 1), expected);
}

/* What this node says goes to half of all that it tells, by lot and at once; soon to the next in
 * the circle of UUIDs; then, after long pauses, to two at a time by lot, until it was told often
 * enough. */
static void test_by_lot_then_in_the_circle_then_now_and_then(void **state) {
    (void)state;
    struct teller teller = teller_of(MEMBERS);
    say(&teller, SECOND, "color", "red");
    assert_int_equal(listeners(&teller, 1), AT_ONCE);
    expect_told_after(&teller, 3 * FLUSH_US, NEXT);
    for (unsigned i = 0; i < NEXT; i++)
        assert_int_equal(teller.told[BEHIND_SELF + i], 1);
    while (counters_of(&teller).news_waiting[GOSSIP_STATE] > 0) {
        pass(&teller, SLOW_US - 1);
        assert_int_equal(teller.count, 0);
        pass(&teller, 1);
        assert_in_range(listeners(&teller, 1), 1, FAN_OUT / 2);
    }
    assert_int_equal(counters_of(&teller).news_told[GOSSIP_STATE], TELLINGS); /* some by pings */
    gossip_free(teller.gossip);
}

/* Whoever is the last in the circle has the first behind it. */
static void test_the_circle_closes(void **state) {
    (void)state;
    struct teller teller = teller_of(BEHIND_SELF + 1);
    say(&teller, SECOND, "color", "red");
    pass(&teller, 3 * FLUSH_US);
    assert_int_equal(listeners(&teller, 1), NEXT);
    assert_int_equal(teller.told[BEHIND_SELF], 1);
    for (unsigned i = 0; i + 1 < NEXT; i++)
        assert_int_equal(teller.told[i], 1);
    gossip_free(teller.gossip);
}

/* In a cluster of three all others are the next, each once. */
static void test_the_few_are_told_once_each(void **state) {
    (void)state;
    struct teller teller = teller_of(2);
    say(&teller, SECOND, "color", "red");
    assert_int_equal(listeners(&teller, 1), 2);
    pass(&teller, 3 * FLUSH_US);
    assert_int_equal(listeners(&teller, 1), 2);
    gossip_free(teller.gossip);
}

/* The first change goes at once; what is said right behind it is gathered for a flush. */
static void test_a_burst_is_gathered(void **state) {
    (void)state;
    struct teller teller = teller_of(MEMBERS);
    say(&teller, SECOND, "color", "red");
    assert_int_equal(listeners(&teller, 1), AT_ONCE);
    say(&teller, MILLISECOND, "color", "blue");
    say(&teller, MILLISECOND, "size", "large");
    assert_int_equal(teller.count, 0);
    expect_told_after(&teller, FLUSH_US - 2 * MILLISECOND, AT_ONCE);
    gossip_free(teller.gossip);
}

/* What was heard is gathered as well, and then told on. */
static void test_what_was_heard_is_gathered(void **state) {
    (void)state;
    struct teller teller = teller_of(MEMBERS);
    pass(&teller, SECOND);
    introduce(&teller, MEMBERS, 1);
    assert_int_equal(teller.count, 0);
    expect_told_after(&teller, FLUSH_US, FAN_OUT);
    gossip_free(teller.gossip);
}

/* Whoever tells what is known here knows it: to as many fewer it is told by lot. */
static void test_what_others_tell_as_well_is_told_to_fewer(void **state) {
    (void)state;
    for (unsigned others = 0; others < FAN_OUT; others++) {
        struct teller teller = teller_of(MEMBERS);
        pass(&teller, SECOND);
        hear(&teller, 21, 20, "red");
        for (unsigned i = 0; i < others; i++)
            hear(&teller, 30 + i, 20, "red");
        pass(&teller, FLUSH_US);
        assert_int_equal(listeners(&teller, 1), FAN_OUT - others);
        pass(&teller, 3 * FLUSH_US);
        assert_int_equal(listeners(&teller, 1), NEXT);
        while (counters_of(&teller).news_waiting[GOSSIP_STATE] > 0)
            pass(&teller, SLOW_US);
        assert_int_equal(counters_of(&teller).news_told[GOSSIP_STATE], TELLINGS - others);
        gossip_free(teller.gossip);
    }
}

/* However many tell it: one is told by lot, and so are the next ones in the circle and some more
 * later, among whom there may be one that nobody else tells. */
static void test_the_circle_is_told_whoever_knows(void **state) {
    (void)state;
    struct teller teller = teller_of(MEMBERS);
    pass(&teller, SECOND);
    for (unsigned i = 0; i < TELLINGS; i++)
        hear(&teller, 21 + i, 20, "red");
    pass(&teller, FLUSH_US);
    assert_int_equal(listeners(&teller, 1), 1);
    hear(&teller, 35, 20, "red");
    expect_told_after(&teller, 3 * FLUSH_US, NEXT);
    while (counters_of(&teller).news_waiting[GOSSIP_STATE] > 0)
        pass(&teller, SLOW_US);
    assert_int_equal(counters_of(&teller).news_told[GOSSIP_STATE], TELLINGS - FAN_OUT + 1);
    gossip_free(teller.gossip);
}

/* What is told of somebody else says nothing about this one. */
static void test_only_the_same_counts(void **state) {
    (void)state;
    struct teller teller = teller_of(MEMBERS);
    pass(&teller, SECOND);
    hear(&teller, 30, 20, "red");
    hear(&teller, 31, 21, "red");
    pass(&teller, FLUSH_US);
    assert_int_equal(listeners(&teller, 1), FAN_OUT);
    gossip_free(teller.gossip);
}

/* What is heard from who says it is told on at once: it was gathered there. What comes right behind
 * is gathered here as well. */
static void test_what_is_heard_at_first_hand_goes_on_at_once(void **state) {
    (void)state;
    struct teller teller = teller_of(MEMBERS);
    pass(&teller, SECOND);
    hear(&teller, 20, 20, "red");
    assert_int_equal(listeners(&teller, 1), FAN_OUT);
    hear(&teller, 21, 21, "red");
    assert_int_equal(teller.count, 0);
    expect_told_after(&teller, FLUSH_US, FAN_OUT);
    gossip_free(teller.gossip);
}

/* Much more than a datagram holds takes more rounds, and not more than four datagrams to one at
 * once. */
static void test_a_flood_takes_more_rounds(void **state) {
    (void)state;
    struct teller teller = teller_of(MEMBERS);
    char key[16], value[GOSSIP_VALUE_MAXIMUM + 1];
    memset(value, 'x', sizeof value);
    value[GOSSIP_VALUE_MAXIMUM] = 0;
    say(&teller, SECOND, "color", "red");
    for (unsigned i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "key%u", i);
        say(&teller, 0, key, value);
        assert_int_equal(teller.count, 0);
    }
    pass(&teller, FLUSH_US);
    assert_int_equal(listeners(&teller, 4), FAN_OUT);
    pass(&teller, FLUSH_US);
    assert_int_equal(listeners(&teller, 4), FAN_OUT);
    gossip_free(teller.gossip);
}

/* A goodbye goes to all at once, and to as many of more as one step can reach; once. */
static void test_a_goodbye_goes_to_all(void **state) {
    (void)state;
    for (unsigned members = MEMBERS; members <= MEMBERS + 30; members += 30) {
        struct teller teller = teller_of(members);
        step(&teller, SECOND, (struct gossip_event){.kind = GOSSIP_LEAVE});
        assert_in_range(listeners(&teller, 1), members < 64 ? MEMBERS - 10 : 60, 64);
        step(&teller, 0, (struct gossip_event){.kind = GOSSIP_LEAVE});
        assert_int_equal(teller.count, 0);
        gossip_free(teller.gossip);
    }
}

RUN_TESTS(cmocka_unit_test(test_by_lot_then_in_the_circle_then_now_and_then),
          cmocka_unit_test(test_the_circle_closes),
          cmocka_unit_test(test_the_few_are_told_once_each),
          cmocka_unit_test(test_a_burst_is_gathered),
          cmocka_unit_test(test_what_was_heard_is_gathered),
          cmocka_unit_test(test_what_others_tell_as_well_is_told_to_fewer),
          cmocka_unit_test(test_the_circle_is_told_whoever_knows),
          cmocka_unit_test(test_only_the_same_counts),
          cmocka_unit_test(test_what_is_heard_at_first_hand_goes_on_at_once),
          cmocka_unit_test(test_a_flood_takes_more_rounds),
          cmocka_unit_test(test_a_goodbye_goes_to_all))
