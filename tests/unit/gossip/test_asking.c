/* What a node takes by a stream, one at a time: when it asks, when it gives up, and whom it does
 * not ask again for how long. One core on a clock of the test's; two members that answer by contact
 * and send what the test says. */
#include "../unit.h"
#include "gossip/gossip.h"
#include "gossip/wire/codec.h"
#include <stdlib.h>

enum { SECOND = 1000000, MOMENT = 100000, FIRST = 0xa1, SECOND_MEMBER = 0xa2, UNKNOWN = 0xee };

struct asker {
    struct gossip *gossip;
    struct codec_writer writer;
    uint64_t now_us;
    unsigned opened, dropped; /* so far */
    uint64_t stream;          /* the last one opened */
    unsigned digests;         /* sent so far */
    uint8_t digest_to;        /* the last of them */
};

static struct gossip_address address_of(uint8_t member) {
    struct gossip_address address = {.port = 7000};
    snprintf(address.host, sizeof address.host, "10.0.0.%u", member);
    return address;
}

static void step(struct asker *asker, struct gossip_event event) {
    struct gossip_actions actions;
    event.now_us = asker->now_us;
    gossip_step(asker->gossip, &event, &actions);
    assert_true(actions.deadline_us > asker->now_us);
    for (size_t i = 0; i < actions.stream_count; i++) {
        asker->opened += actions.streams[i].kind == GOSSIP_STREAM_OPEN;
        asker->dropped += actions.streams[i].kind == GOSSIP_STREAM_DROP;
        asker->stream = actions.streams[i].stream;
    }
    for (size_t i = 0; i < actions.datagram_count; i++) {
        if (strcmp(gossip_datagram_kind(actions.datagrams[i].bytes), "DIGEST") != 0)
            continue;
        asker->digests++;
        asker->digest_to = (uint8_t)atoi(actions.datagrams[i].to.host + strlen("10.0.0."));
    }
}

static void begin(struct asker *asker, enum codec_kind kind, uint8_t member) {
    static const struct codec_wire wire = {.version = GOSSIP_WIRE_MAXIMUM};
    codec_begin(&asker->writer, &wire, kind, (const uint8_t[GOSSIP_UUID_BYTES]){member}, 1);
}

static void deliver(struct asker *asker, uint8_t member) {
    step(asker, (struct gossip_event){.kind = GOSSIP_DATAGRAM,
                                      .address = address_of(member),
                                      .bytes = buffer_bytes(&asker->writer.buffer)});
}

static void introduce(struct asker *asker, uint8_t member) {
    struct codec_record record = {
        .uuid = {member}, .generation = 1, .address = address_of(member), .state = GOSSIP_ALIVE};
    begin(asker, CODEC_NEWS, member);
    assert_true(codec_list_begin(&asker->writer, CODEC_SECTION_RECORDS));
    assert_true(codec_write_record(&asker->writer, &record));
    codec_list_end(&asker->writer);
    deliver(asker, member);
}

static void offer(struct asker *asker, uint8_t member, bool has_range) {
    static const uint8_t first[GOSSIP_UUID_BYTES] = {0};
    uint8_t last[GOSSIP_UUID_BYTES];
    memset(last, 0xff, sizeof last);
    begin(asker, CODEC_FILL, member);
    codec_write_stream(&asker->writer);
    if (has_range)
        codec_write_range(&asker->writer, first, last);
    deliver(asker, member);
}

/* A piece that brings nothing. */
static void piece(struct asker *asker, uint64_t stream, uint8_t member) {
    begin(asker, CODEC_FILL, member);
    step(asker, (struct gossip_event){.kind = GOSSIP_STREAM_PIECE,
                                      .stream = stream,
                                      .bytes = buffer_bytes(&asker->writer.buffer)});
}

static void end(struct asker *asker, uint64_t stream, enum gossip_stream_outcome outcome) {
    step(asker,
         (struct gossip_event){.kind = GOSSIP_STREAM_ENDED, .stream = stream, .outcome = outcome});
}

/* Both members are well meanwhile. */
static void pass(struct asker *asker, uint64_t duration_us) {
    for (uint64_t end_us = asker->now_us + duration_us; asker->now_us < end_us;) {
        asker->now_us += MOMENT;
        for (uint8_t member = FIRST; member <= SECOND_MEMBER; member++)
            step(asker, (struct gossip_event){.kind = GOSSIP_CONTACT, .uuid = {member}});
    }
}

/* A newcomer that knows both members. */
static void asker_init(struct asker *asker) {
    struct gossip_options options = {.uuid = {1},
                                     .generation = 1,
                                     .address = address_of(1),
                                     .timing = {.probe_interval_us = SECOND,
                                                .probe_timeout_us = SECOND,
                                                .suspicion_factor = 4,
                                                .stream_min_bytes = 1,
                                                .wire_maximum = GOSSIP_WIRE_MAXIMUM},
                                     .seed = 1,
                                     .has_streams = true,
                                     .now_us = SECOND};
    *asker = (struct asker){.gossip = gossip_new(&options), .now_us = SECOND};
    codec_writer_init(&asker->writer);
    for (uint8_t member = FIRST; member <= SECOND_MEMBER; member++)
        introduce(asker, member);
}

static void asker_release(struct asker *asker) {
    codec_writer_release(&asker->writer);
    gossip_free(asker->gossip);
}

static uint64_t asked(const struct asker *asker, enum gossip_stream_outcome outcome) {
    struct gossip_counters counters;
    gossip_counters(asker->gossip, &counters);
    return counters.streams_asked[outcome];
}

/* Who is offered a stream asks for it; while it runs, and where an offer is not whole or comes from
 * nobody known, nothing is asked. */
static void test_one_is_asked_for_at_a_time(void **state) {
    (void)state;
    struct asker asker;
    asker_init(&asker);
    offer(&asker, UNKNOWN, true);
    offer(&asker, FIRST, false);
    assert_int_equal(asker.opened, 0);
    offer(&asker, FIRST, true);
    assert_int_equal(asker.opened, 1);
    offer(&asker, SECOND_MEMBER, true);
    assert_int_equal(asker.opened, 1);
    end(&asker, asker.stream + 1, GOSSIP_STREAM_DONE);
    offer(&asker, SECOND_MEMBER, true);
    assert_int_equal(asker.opened, 1);
    end(&asker, asker.stream, GOSSIP_STREAM_DONE);
    assert_int_equal(asked(&asker, GOSSIP_STREAM_DONE), 1);
    assert_int_equal(asker.digests, 0);
    offer(&asker, FIRST, true); /* nobody is shunned for having given one */
    assert_int_equal(asker.opened, 2);
    assert_int_equal(asker.dropped, 0);
    piece(&asker, asker.stream, FIRST);
    struct gossip_counters counters;
    gossip_counters(asker.gossip, &counters);
    assert_int_equal(counters.stream_bytes_received, asker.writer.buffer.length);
    asker_release(&asker);
}

static enum gossip_member_state own_state(const struct asker *asker) {
    return gossip_member_at(asker->gossip, 0)->state;
}

/* While a stream brings a newcomer its copy the time that it has to get one does not run out; where
 * it has brought what there is, the newcomer is alive a moment later. */
static void test_a_newcomer_waits_for_its_stream(void **state) {
    (void)state;
    struct asker asker;
    asker_init(&asker);
    offer(&asker, FIRST, true);
    for (unsigned second = 0; second < 10; second++) {
        pass(&asker, SECOND);
        piece(&asker, asker.stream, FIRST);
        assert_int_equal(own_state(&asker), GOSSIP_JOINING);
    }
    end(&asker, asker.stream, GOSSIP_STREAM_DONE);
    pass(&asker, SECOND);
    assert_int_equal(own_state(&asker), GOSSIP_ALIVE);
    asker_release(&asker);
}

/* A stream that is silent for two seconds is given up: what it was to bring is asked for by
 * datagrams at once, and for a minute no other stream of that member's is taken. */
static void test_a_silent_one_is_given_up(void **state) {
    (void)state;
    struct asker asker;
    asker_init(&asker);
    pass(&asker, 5 * SECOND); /* no newcomer any more */
    offer(&asker, FIRST, true);
    pass(&asker, 2 * SECOND - MOMENT);
    piece(&asker, asker.stream, FIRST);
    pass(&asker, 2 * SECOND - MOMENT);
    assert_int_equal(asker.dropped, 0);
    unsigned digests = asker.digests;
    pass(&asker, MOMENT);
    assert_int_equal(asker.dropped, 1);
    assert_int_equal(asked(&asker, GOSSIP_STREAM_FAILED), 1);
    assert_int_equal(asker.digests, digests + 1);
    assert_int_equal(asker.digest_to, FIRST);
    pass(&asker, 60 * SECOND - MOMENT);
    offer(&asker, FIRST, true);
    assert_int_equal(asker.opened, 1);
    pass(&asker, MOMENT);
    offer(&asker, FIRST, true);
    assert_int_equal(asker.opened, 2);
    asker_release(&asker);
}

/* One that goes on and on is given up after a minute. */
static void test_one_has_a_minute(void **state) {
    (void)state;
    static const unsigned limits[] = {60, 5}; /* the default, and set while it runs */
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct asker asker;
        asker_init(&asker);
        if (limits[i] != 60)
            gossip_set_timing(asker.gossip, &(struct gossip_timing){
                                                .probe_interval_us = SECOND,
                                                .probe_timeout_us = SECOND,
                                                .suspicion_factor = 4,
                                                .stream_min_bytes = 1,
                                                .stream_limit_us = limits[i] * (uint64_t)SECOND,
                                                .wire_maximum = GOSSIP_WIRE_MAXIMUM});
        offer(&asker, FIRST, true);
        uint64_t stream = asker.stream;
        for (unsigned second = 1; second < limits[i]; second++) {
            pass(&asker, SECOND);
            piece(&asker, stream, FIRST);
        }
        pass(&asker, SECOND - MOMENT);
        assert_int_equal(asker.dropped, 0);
        pass(&asker, MOMENT);
        assert_int_equal(asker.dropped, 1);
        asker_release(&asker);
    }
}

/* Who is busy is not asked again for two seconds; a newcomer, which has nothing yet, compares with
 * another member at once. */
static void test_the_busy_are_left_alone(void **state) {
    (void)state;
    for (int is_newcomer = 0; is_newcomer < 2; is_newcomer++) {
        struct asker asker;
        asker_init(&asker);
        pass(&asker, is_newcomer ? 0 : 5 * SECOND);
        offer(&asker, FIRST, true);
        unsigned digests = asker.digests;
        end(&asker, asker.stream, GOSSIP_STREAM_BUSY);
        assert_int_equal(asked(&asker, GOSSIP_STREAM_BUSY), 1);
        assert_int_equal(asker.digests - digests, is_newcomer);
        if (is_newcomer)
            assert_int_equal(asker.digest_to, SECOND_MEMBER);
        pass(&asker, 2 * SECOND - MOMENT);
        offer(&asker, FIRST, true);
        assert_int_equal(asker.opened, 1);
        pass(&asker, MOMENT);
        offer(&asker, FIRST, true);
        assert_int_equal(asker.opened, 2);
        assert_int_equal(asker.dropped, 0);
        asker_release(&asker);
    }
}

enum fault { ANOTHER_SENDER, ANOTHER_KIND, UNREADABLE, FAULT_COUNT };

static void faulty_piece(struct asker *asker, enum fault fault) {
    struct gossip_event event = {
        .kind = GOSSIP_STREAM_PIECE, .stream = asker->stream, .bytes = BYTES_LITERAL("no piece")};
    begin(asker, fault == ANOTHER_KIND ? CODEC_NEWS : CODEC_FILL,
          fault == ANOTHER_SENDER ? SECOND_MEMBER : FIRST);
    if (fault != UNREADABLE)
        event.bytes = buffer_bytes(&asker->writer.buffer);
    step(asker, event);
}

/* A piece by another than who was asked, one that is something else, or one that cannot be read,
 * ends it; one of no stream, or of another, is nothing. */
static void test_what_is_no_piece_ends_it(void **state) {
    (void)state;
    struct gossip_counters counters;
    for (enum fault fault = 0; fault < FAULT_COUNT; fault++) {
        struct asker asker;
        asker_init(&asker);
        piece(&asker, 0, SECOND_MEMBER);
        offer(&asker, FIRST, true);
        piece(&asker, 0, SECOND_MEMBER);
        piece(&asker, asker.stream + 1, SECOND_MEMBER);
        assert_int_equal(asker.dropped, 0);
        faulty_piece(&asker, fault);
        assert_int_equal(asker.dropped, 1);
        gossip_counters(asker.gossip, &counters);
        assert_int_equal(counters.malformed, 1);
        asker_release(&asker);
    }
}

/* Who was asked has left, or is called dead: nothing more is waited for. */
static void test_one_of_the_gone_is_dropped(void **state) {
    (void)state;
    struct asker asker;
    asker_init(&asker);
    offer(&asker, FIRST, true);
    struct codec_record record = {
        .uuid = {FIRST}, .generation = 1, .address = address_of(FIRST), .state = GOSSIP_LEFT};
    begin(&asker, CODEC_NEWS, FIRST);
    assert_true(codec_list_begin(&asker.writer, CODEC_SECTION_RECORDS));
    assert_true(codec_write_record(&asker.writer, &record));
    codec_list_end(&asker.writer);
    deliver(&asker, FIRST);
    assert_int_equal(asker.dropped, 1);
    offer(&asker, FIRST, true);
    assert_int_equal(asker.opened, 1);
    pass(&asker, 61 * SECOND); /* by now it would be asked again */
    offer(&asker, FIRST, true);
    assert_int_equal(asker.opened, 1);
    asker_release(&asker);
}

RUN_TESTS(cmocka_unit_test(test_one_is_asked_for_at_a_time),
          cmocka_unit_test(test_a_newcomer_waits_for_its_stream),
          cmocka_unit_test(test_a_silent_one_is_given_up), cmocka_unit_test(test_one_has_a_minute),
          cmocka_unit_test(test_the_busy_are_left_alone),
          cmocka_unit_test(test_what_is_no_piece_ends_it),
          cmocka_unit_test(test_one_of_the_gone_is_dropped))
