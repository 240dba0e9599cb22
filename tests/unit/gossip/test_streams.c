/* What is lacked goes by a stream where it is much: whole, by few datagrams, a bounded number at a
 * time, and by datagrams again where there is no stream (memberlist #158; chitchat #59). */
#include "../planting.h"
#include "gossip/sync/sync_room.h"
#include "made_up.h"

enum {
    SECOND = 1000000,
    MEMBERS = 10,
    CROWD = 2000,
    TALKERS = 4,
    KEYS = 100,
    VALUE = 400,
    MIN_BYTES = 16000
};

static void fill(struct world *world, unsigned number) {
    char key[16], value[VALUE + 1];
    for (unsigned i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "key%u", i);
        for (unsigned at = 0; at < VALUE; at++)
            value[at] = (char)('!' + random_below(&world->random, 90));
        value[VALUE] = 0;
        world_set(world, number, key, value);
    }
}

/* Ten members, four of which say 40 KB each. */
static struct world *talking_world(uint64_t seed) {
    struct world *world = world_new(seed);
    world->timing.stream_min_bytes = MIN_BYTES;
    world->has_large_streams = true;
    world_add_cluster(world, MEMBERS);
    assert_true(world_run_until(world, 10 * SECOND, world_is_settled));
    for (unsigned i = 1; i <= TALKERS; i++)
        fill(world, i);
    world_run(world, 20 * SECOND);
    return world;
}

static struct gossip_counters counters_of(struct world *world, unsigned number) {
    struct gossip_counters counters;
    gossip_counters(world->nodes[number].gossip, &counters);
    return counters;
}

static bool is_whole(struct world *world, unsigned number) {
    char key[16];
    for (unsigned other = 1; other <= TALKERS; other++)
        for (unsigned i = 0; i < KEYS; i++) {
            snprintf(key, sizeof key, "key%u", i);
            struct bytes own = world_value(world, other, other, key);
            if (own.length > 0 && !bytes_equal(world_value(world, number, other, key), own))
                return false;
        }
    return true;
}

static bool last_is_whole(struct world *world) {
    return is_whole(world, world->count) &&
           world_is_state(world, world->count, world->count, GOSSIP_ALIVE);
}

static bool all_are_whole(struct world *world) {
    for (unsigned i = 1; i <= world->count; i++)
        if (world->nodes[i].gossip != NULL && !is_whole(world, i))
            return false;
    return true;
}

static unsigned newcomer(struct world *world) {
    unsigned number = world_add(world)->number;
    world_seed(world, number, 1);
    return number;
}

/* 160 KB come within a few hundred milliseconds, in pieces of at most 60 KB and hardly a datagram.
 */
static void test_a_first_copy_comes_by_a_stream(void **state) {
    (void)state;
    struct world *world = talking_world(401);
    uint64_t fill_bytes = world->fill_bytes;
    unsigned number = newcomer(world);
    assert_true(world_run_until(world, SECOND / 5, last_is_whole));
    assert_int_equal(counters_of(world, number).streams_asked[GOSSIP_STREAM_DONE], 1);
    assert_true(world->stream_bytes > 100000);
    assert_true(world->largest_stream_bytes <= GOSSIP_STREAM_MESSAGE_MAXIMUM);
    assert_true(world->fill_bytes - fill_bytes < 2000);
    world_free(world);
}

static void name_in_a_row(unsigned number, uint8_t uuid[GOSSIP_UUID_BYTES]) {
    memset(uuid, 0x5a, GOSSIP_UUID_BYTES);
    uuid[0] = (uint8_t)(number >> 8);
    uuid[1] = (uint8_t)number;
}

static bool last_knows_the_crowd(struct world *world) {
    return gossip_member_count(world->nodes[world->count].gossip) == CROWD + world->count;
}

/* Two thousand members, who say nothing, are more than one piece holds: one stream brings all. */
static void test_a_crowd_comes_in_several_pieces(void **state) {
    (void)state;
    struct world *world = world_new(409);
    world->timing.stream_min_bytes = MIN_BYTES;
    world->timing.compress_min_bytes = 0;
    world->has_large_streams = true;
    world_add(world);
    made_up_announce(world, 1, CROWD, name_in_a_row);
    unsigned number = newcomer(world);
    assert_true(world_run_until(world, SECOND / 2, last_knows_the_crowd));
    assert_true(world->stream_bytes > GOSSIP_STREAM_MESSAGE_MAXIMUM);
    assert_int_equal(counters_of(world, number).streams_asked[GOSSIP_STREAM_DONE], 1);
    assert_int_equal(counters_of(world, number).malformed, 0);
    world_free(world);
}

/* A stranger compares everything with node 1, and could take a stream. */
static struct gossip_event compare_all(const struct world *world, uint8_t stranger,
                                       struct codec_writer *writer) {
    static const uint8_t zeros[GOSSIP_UUID_BYTES];
    uint8_t uuid[GOSSIP_UUID_BYTES] = {0xee, stranger}, end[GOSSIP_UUID_BYTES];
    memset(end, 0xff, sizeof end);
    codec_begin(writer, &(struct codec_wire){0}, CODEC_DIGEST, uuid, 1);
    codec_write_stream(writer);
    codec_write_range(writer, zeros, end);
    return (struct gossip_event){.kind = GOSSIP_DATAGRAM,
                                 .now_us = world->now_us,
                                 .address = {.host = "10.0.0.99", .port = 7000},
                                 .bytes = buffer_bytes(&writer->buffer)};
}

static bool is_offered(const struct world *world, uint8_t stranger) {
    struct codec_writer writer;
    struct gossip_actions actions;
    bool is_offered = false;
    codec_writer_init(&writer);
    struct gossip_event event = compare_all(world, stranger, &writer);
    gossip_step(world->nodes[1].gossip, &event, &actions);
    for (size_t i = 0; i < actions.datagram_count; i++) {
        struct codec_message message;
        assert_int_equal(codec_decode(&message, actions.datagrams[i].bytes), 0);
        is_offered |= message.kind == CODEC_FILL && message.has_stream;
    }
    codec_writer_release(&writer);
    return is_offered;
}

/* It asks for one at once, and takes the first piece only. */
static void ask(const struct world *world, uint8_t stranger) {
    struct codec_writer writer;
    struct gossip_actions actions;
    codec_writer_init(&writer);
    struct gossip_event event = compare_all(world, stranger, &writer);
    event.kind = GOSSIP_STREAM_ASKED;
    event.stream = stranger;
    gossip_step(world->nodes[1].gossip, &event, &actions);
    codec_writer_release(&writer);
}

/* An offer keeps a place for a second: beside two that are served only two more are offered one,
 * and who comes then is told of others at once. */
static void test_an_offer_keeps_a_place(void **state) {
    (void)state;
    struct world *world = talking_world(410);
    ask(world, 1);
    ask(world, 2);
    assert_int_equal(counters_of(world, 1).streams_serving, 2);
    for (uint8_t turn = 1; turn <= 2; turn++) {
        for (uint8_t stranger = 1; stranger <= 4; stranger++)
            assert_int_equal(is_offered(world, (uint8_t)(10 * turn + stranger)), stranger <= 2);
        assert_int_equal(counters_of(world, 1).referrals, 2 * turn);
        world_run(world, SECOND);
    }
    world_free(world);
}

/* What a stranger gets at once by a stream from node 1, which has no place for it, in order: 'p' a
 * piece, 'e' the end, busy. Returns how many members the pieces name. It compares up to `last`. */
static unsigned refused(const struct world *world, uint8_t stranger, uint8_t last, char *order) {
    struct codec_writer writer;
    struct gossip_actions actions;
    unsigned named = 0;
    uint8_t uuid[GOSSIP_UUID_BYTES] = {0xee, stranger}, end[GOSSIP_UUID_BYTES];
    memset(end, last, sizeof end);
    codec_writer_init(&writer);
    codec_begin(&writer, &(struct codec_wire){0}, CODEC_DIGEST, uuid, 1);
    codec_write_range(&writer, (const uint8_t[GOSSIP_UUID_BYTES]){0}, end);
    struct gossip_event event = {.kind = GOSSIP_STREAM_ASKED,
                                 .stream = stranger,
                                 .now_us = world->now_us,
                                 .bytes = buffer_bytes(&writer.buffer)};
    gossip_step(world->nodes[1].gossip, &event, &actions);
    for (size_t i = 0; i < actions.stream_count; i++) {
        const struct gossip_stream_action *action = &actions.streams[i];
        struct codec_message message;
        struct codec_record record;
        assert_int_equal(action->stream, stranger);
        bool is_piece = action->kind == GOSSIP_STREAM_GIVE;
        *order++ = is_piece ? 'p' : 'e';
        if (!is_piece) {
            assert_int_equal(action->kind, GOSSIP_STREAM_END);
            assert_int_equal(action->outcome, GOSSIP_STREAM_BUSY);
            continue;
        }
        assert_int_equal(codec_decode(&message, action->bytes), 0);
        assert_int_equal(message.kind, CODEC_FILL);
        struct cursor in = cursor_of(message.records);
        for (; cursor_left(&in) > 0; named++)
            codec_read_record(&in, &message.wire, &record);
    }
    *order = 0;
    codec_writer_release(&writer);
    return named;
}

/* Whoever asks where all places are taken hears that; a newcomer hears before it, while the stream
 * is still there, of others that it can ask. */
static void test_who_finds_no_place_is_told_of_others_first(void **state) {
    (void)state;
    struct world *world = talking_world(411);
    char order[8];
    for (uint8_t stranger = 1; stranger <= GOSSIP_STREAMS_SERVED; stranger++)
        ask(world, stranger);
    uint64_t referrals = counters_of(world, 1).referrals;
    assert_int_equal(refused(world, 11, 0xff, order), GOSSIP_REFERRALS);
    assert_string_equal(order, "pe");
    assert_int_equal(refused(world, 12, 0x7f, order), 0);
    assert_string_equal(order, "e");
    assert_int_equal(counters_of(world, 1).referrals, referrals + 1);
    assert_int_equal(counters_of(world, 1).streams_served[GOSSIP_STREAM_BUSY], 2);
    assert_int_equal(counters_of(world, 1).streams_serving, GOSSIP_STREAMS_SERVED);
    world_free(world);
}

/* How many are served at a time may be set, and whoever is served already goes on. */
static void test_how_many_are_served_is_set(void **state) {
    (void)state;
    struct world *world = talking_world(412);
    struct gossip_timing timing = world->timing;
    char order[8];
    ask(world, 1);
    ask(world, 2);
    timing.streams_served = 1;
    gossip_set_timing(world->nodes[1].gossip, &timing);
    assert_int_equal(counters_of(world, 1).streams_serving, 2);
    assert_false(is_offered(world, 3));
    refused(world, 4, 0x7f, order);
    assert_string_equal(order, "e");
    timing.streams_served = 6;
    gossip_set_timing(world->nodes[1].gossip, &timing);
    for (uint8_t stranger = 5; stranger <= 8; stranger++)
        ask(world, stranger);
    assert_int_equal(counters_of(world, 1).streams_serving, 6);
    assert_false(is_offered(world, 9));
    world_free(world);
}

/* One that is taken piece by piece ends when its time is over, as it was set when it began. */
static void test_how_long_a_stream_lasts_is_set(void **state) {
    (void)state;
    struct world *world = talking_world(413);
    struct gossip_timing timing = world->timing;
    for (unsigned limit = 2; limit <= 6; limit += 4) {
        timing.stream_limit_us = limit * (uint64_t)SECOND;
        world_set_timing(world, &timing);
        ask(world, (uint8_t)limit);
        world_run(world, SECOND / 2);
        for (unsigned second = 1; second <= limit + 1; second++) {
            assert_int_equal(counters_of(world, 1).streams_serving, second <= limit);
            struct gossip_actions actions;
            gossip_step(world->nodes[1].gossip,
                        &(struct gossip_event){.kind = GOSSIP_STREAM_ROOM,
                                               .now_us = world->now_us,
                                               .stream = second == 4 ? limit : 0},
                        &actions);
            world_run(world, SECOND);
        }
    }
    world_free(world);
}

/* Nobody asks for more than one at a time, and nobody serves more than four. Eighty come at once
 * through one seed; all get their copy. */
static void test_a_storm_is_served_four_at_a_time(void **state) {
    (void)state;
    struct world *world = talking_world(402);
    for (unsigned i = 0; i < 80; i++)
        newcomer(world);
    assert_true(world_run_until(world, 20 * SECOND, all_are_whole));
    assert_true(counters_of(world, 1).referrals > 0);
    assert_true(world->most_served > 1);
    assert_true(world->most_served <= GOSSIP_STREAMS_SERVED);
    assert_int_equal(world->healthy_called_dead, 0);
    world_free(world);
}

/* Who cannot take a stream, as all of older releases, gets datagrams. */
static void test_others_go_on_by_datagrams(void **state) {
    (void)state;
    struct world *world = talking_world(403);
    uint64_t streams = world->stream_count;
    world->has_large_streams = false;
    newcomer(world);
    assert_true(world_run_until(world, 10 * SECOND, last_is_whole));
    world->is_next_old = true;
    newcomer(world);
    assert_true(world_run_until(world, 10 * SECOND, last_is_whole));
    assert_int_equal(world->stream_count, streams);
    assert_int_equal(world->unreadable_count, 0);
    world_free(world);
}

static bool last_is_asking(struct world *world) {
    return counters_of(world, 1).streams_serving + counters_of(world, 2).streams_serving > 0;
}

/* Who serves is killed in the middle: the rest comes from others. */
static void test_who_serves_dies(void **state) {
    (void)state;
    struct world *world = talking_world(404);
    unsigned number = newcomer(world);
    assert_true(world_run_until(world, SECOND, last_is_asking));
    world_kill(world, 1);
    world_run(world, 20 * SECOND);
    assert_true(counters_of(world, number).streams_asked[GOSSIP_STREAM_FAILED] > 0);
    assert_true(all_are_whole(world));
    world_free(world);
}

/* Who asks is stopped in the middle: its place is free again after the time of silence. */
static void test_who_asks_stands_still(void **state) {
    (void)state;
    struct world *world = talking_world(405);
    unsigned number = newcomer(world);
    assert_true(world_run_until(world, SECOND, last_is_asking));
    world_stop(world, number);
    world_run(world, 10 * SECOND);
    assert_int_equal(counters_of(world, 1).streams_serving, 0);
    assert_int_equal(counters_of(world, 1).streams_served[GOSSIP_STREAM_FAILED], 1);
    world_resume(world, number);
    assert_true(world_run_until(world, 20 * SECOND, all_are_whole));
    world_free(world);
}

/* Two halves that each said much while they could not hear each other: what the one lacks it finds
 * by its own digest, or is asked to give by the other's; both go by streams. */
static void test_halves_take_what_they_lack(void **state) {
    (void)state;
    struct world *world = talking_world(406);
    world_split(world, MEMBERS / 2);
    world_run(world, SECOND / 4); /* before anybody is dead */
    for (unsigned i = 1; i <= TALKERS; i++)
        fill(world, i);
    world_run(world, SECOND / 2);
    uint64_t streams = world->stream_count;
    world_heal(world);
    assert_true(world_run_until(world, 30 * SECOND, all_are_whole));
    assert_true(world->stream_count > streams);
    world_free(world);
}

/* With little bandwidth a stream waits for it; probes do not, and nobody is called dead. */
static void test_a_stream_is_within_the_bandwidth(void **state) {
    (void)state;
    struct world *world = talking_world(407);
    struct gossip_timing timing = world->timing;
    timing.bytes_per_second = 15000;
    world_set_timing(world, &timing);
    world_run(world, SECOND);
    uint64_t began_us = world->now_us;
    newcomer(world);
    assert_true(world_run_until(world, 30 * SECOND, last_is_whole));
    assert_true(world->now_us - began_us > SECOND);
    assert_int_equal(world->healthy_called_dead, 0);
    world_free(world);
}

/* Streams that nobody asked for, pieces of others, requests that are none: counted, and nothing
 * else. */
static void test_what_is_no_stream_changes_nothing(void **state) {
    (void)state;
    struct world *world = talking_world(408);
    struct gossip *gossip = world->nodes[5].gossip;
    struct gossip_counters before = counters_of(world, 5);
    static const char junk[GOSSIP_STREAM_MESSAGE_MAXIMUM + 1] = {1, 8};
    static const enum gossip_event_kind kinds[] = {GOSSIP_STREAM_PIECE, GOSSIP_STREAM_ENDED,
                                                   GOSSIP_STREAM_ASKED, GOSSIP_STREAM_ROOM,
                                                   GOSSIP_STREAM_GONE};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (size_t length = 0; length <= sizeof junk; length += sizeof junk / 3) {
            struct gossip_event event = {.kind = kinds[i],
                                         .stream = 7,
                                         .now_us = world->now_us,
                                         .bytes = {(const uint8_t *)junk, length}};
            struct gossip_actions actions;
            gossip_step(gossip, &event, &actions);
            assert_int_equal(actions.change_count, 0);
            for (size_t j = 0; j < actions.stream_count; j++) {
                assert_int_equal(actions.streams[j].kind, GOSSIP_STREAM_END);
                assert_int_equal(actions.streams[j].outcome, GOSSIP_STREAM_FAILED);
            }
        }
    struct gossip_counters after = counters_of(world, 5);
    assert_int_equal(after.streams_serving, 0);
    assert_int_equal(after.malformed - before.malformed, 4);
    world_free(world);
}

/* Node 5 is asked for everything as by node 6 in that life. Nothing else is asked of it: what was
 * begun or refused is this. */
static void ask_as_six(struct world *world, uint64_t stream, uint64_t generation, uint64_t count) {
    static const struct codec_wire wire = {.version = 0};
    static const uint8_t first[GOSSIP_UUID_BYTES] = {0};
    const struct world_node *five = &world->nodes[5], *six = &world->nodes[6];
    uint8_t last[GOSSIP_UUID_BYTES];
    struct codec_writer writer;
    memset(last, 0xff, sizeof last);
    codec_writer_init(&writer);
    codec_begin(&writer, &wire, CODEC_DIGEST, six->uuid, generation);
    if (count > 0) {
        codec_write_count(&writer, count);
        codec_write_life(&writer, codec_life(five->uuid, five->generation));
    }
    codec_write_range(&writer, first, last);
    struct gossip_event event = {.kind = GOSSIP_STREAM_ASKED,
                                 .stream = stream,
                                 .now_us = world->now_us,
                                 .bytes = buffer_bytes(&writer.buffer)};
    struct gossip_actions actions;
    gossip_step(five->gossip, &event, &actions);
    codec_writer_release(&writer);
}

/* A request that was long on its way, of a life that is over by now, is refused: who lives now has
 * not asked. */
static void test_who_asked_in_an_earlier_life_is_refused(void **state) {
    (void)state;
    struct world *world = talking_world(409);
    world_kill(world, 6);
    world_start(world, 6);
    world_seed(world, 6, 1);
    assert_true(world_run_until(world, 20 * SECOND, all_are_whole));
    assert_true(world_run_until(world, 20 * SECOND, world_is_settled));
    uint64_t generation = world->nodes[6].generation;
    uint64_t refused = counters_of(world, 5).streams_served[GOSSIP_STREAM_FAILED];
    ask_as_six(world, 7001, generation - 1, 0);
    assert_int_equal(counters_of(world, 5).streams_served[GOSSIP_STREAM_FAILED], refused + 1);
    assert_int_equal(counters_of(world, 5).streams_serving, 0);
    ask_as_six(world, 7002, generation, 0);
    assert_int_equal(counters_of(world, 5).streams_served[GOSSIP_STREAM_FAILED], refused + 1);
    assert_int_equal(counters_of(world, 5).streams_serving, 1);
    world_free(world);
}

/* Whoever listened and sends a request again gets nothing by it. */
static void test_a_request_that_came_before_is_refused(void **state) {
    (void)state;
    struct world *world = world_new(410);
    world->is_sealed = true;
    world->has_large_streams = true;
    world_add_cluster(world, MEMBERS);
    assert_true(world_run_until(world, 10 * SECOND, world_is_settled));
    fill(world, 1);
    world_run(world, 20 * SECOND);
    uint64_t generation = world->nodes[6].generation, later_count = UINT64_C(1) << 60;
    struct gossip_counters before = counters_of(world, 5);
    ask_as_six(world, 7001, generation, later_count);
    assert_int_equal(counters_of(world, 5).streams_serving, 1);
    ask_as_six(world, 7002, generation, later_count);
    struct gossip_counters after = counters_of(world, 5);
    assert_int_equal(after.streams_serving, 1);
    assert_int_equal(after.replayed - before.replayed, 1);
    assert_int_equal(after.streams_served[GOSSIP_STREAM_FAILED] -
                         before.streams_served[GOSSIP_STREAM_FAILED],
                     1);
    world_free(world);
}

RUN_TESTS_OR_PLANT(cmocka_unit_test(test_a_first_copy_comes_by_a_stream),
                   cmocka_unit_test(test_a_crowd_comes_in_several_pieces),
                   cmocka_unit_test(test_an_offer_keeps_a_place),
                   cmocka_unit_test(test_who_finds_no_place_is_told_of_others_first),
                   cmocka_unit_test(test_a_storm_is_served_four_at_a_time),
                   cmocka_unit_test(test_how_many_are_served_is_set),
                   cmocka_unit_test(test_how_long_a_stream_lasts_is_set),
                   cmocka_unit_test(test_others_go_on_by_datagrams),
                   cmocka_unit_test(test_who_serves_dies),
                   cmocka_unit_test(test_who_asks_stands_still),
                   cmocka_unit_test(test_halves_take_what_they_lack),
                   cmocka_unit_test(test_a_stream_is_within_the_bandwidth),
                   cmocka_unit_test(test_what_is_no_stream_changes_nothing),
                   cmocka_unit_test(test_who_asked_in_an_earlier_life_is_refused),
                   cmocka_unit_test(test_a_request_that_came_before_is_refused))
