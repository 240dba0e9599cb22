/* Which datagrams came before: the window of each life, by itself and in a world of sealed nodes.
 */
#include "../planting.h"
#include "gossip/wire/codec.h"
#include "gossip/wire/replay.h"
#include "world.h"
#include <inttypes.h>

static const uint8_t one[GOSSIP_UUID_BYTES] = {1}, two[GOSSIP_UUID_BYTES] = {2};

static enum replay_verdict judged(struct replay *replay, const uint8_t uuid[GOSSIP_UUID_BYTES],
                                  uint64_t generation, uint64_t count) {
    return replay_judge(replay, uuid, generation, count, true);
}

/* In whatever order a sender's counts come, within a window: each is new once, but for those from
 * before the first that was heard. */
static void test_each_count_is_new_once(void **state) {
    (void)state;
    struct replay *replay = replay_new();
    struct random random;
    bool came[5000] = {false};
    uint64_t highest = 0, first = 0;
    random_init(&random, 7);
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t most = highest + 400 < 5000 ? highest + 400 : 4999;
        uint64_t count = random_between(&random, highest > 600 ? highest - 600 : 1, most);
        bool is_inside = highest < REPLAY_WINDOW || count > highest - REPLAY_WINDOW;
        first = first > 0 ? first : count;
        is_inside = is_inside && count >= first;
        assert_int_equal(judged(replay, one, 1, count) == REPLAY_NEW, is_inside && !came[count]);
        came[count] |= is_inside;
        if (count > highest)
            highest = count;
    }
    assert_true(highest == 4999);
    replay_free(replay);
}

/* Lives are apart: another member, a later generation. Of an earlier one nobody knows any more
 * what came before, whatever it is for. */
static void test_lives_are_apart(void **state) {
    (void)state;
    struct replay *replay = replay_new();
    assert_int_equal(judged(replay, one, 5, 100), REPLAY_NEW);
    assert_int_equal(judged(replay, two, 5, 100), REPLAY_NEW);
    assert_int_equal(judged(replay, one, 5, 100), REPLAY_OLD);
    assert_int_equal(judged(replay, one, 6, 100), REPLAY_NEW);
    assert_int_equal(judged(replay, one, 6, 100), REPLAY_OLD);
    assert_int_equal(judged(replay, one, 5, 100), REPLAY_UNPROVEN);
    assert_int_equal(judged(replay, one, 5, 101), REPLAY_UNPROVEN);
    assert_int_equal(judged(replay, one, 6, 100),
                     REPLAY_OLD); /* the earlier one has changed nothing */
    assert_int_equal(judged(replay, two, 5, 100), REPLAY_OLD);
    assert_int_equal(replay_count(replay), 2);
    replay_free(replay);
}

/* A release that does not count is heard; a life that counts is not without. */
static void test_releases_that_do_not_count(void **state) {
    (void)state;
    struct replay *replay = replay_new();
    assert_int_equal(judged(replay, one, 1, 0), REPLAY_NEW);
    assert_int_equal(judged(replay, one, 1, 0), REPLAY_NEW);
    assert_int_equal(replay_count(replay), 0);
    assert_int_equal(judged(replay, one, 2, 1), REPLAY_NEW); /* the new release */
    assert_int_equal(judged(replay, one, 2, 0), REPLAY_OLD);
    assert_int_equal(judged(replay, one, 3, 0), REPLAY_NEW); /* and back */
    replay_free(replay);
}

/* Without a window a life is heard only by what was written for this one of ours; from then on by
 * whatever is new. */
static void test_a_life_not_heard_yet_is_proven_first(void **state) {
    (void)state;
    struct replay *replay = replay_new();
    assert_int_equal(replay_judge(replay, one, 5, 100, false), REPLAY_UNPROVEN);
    assert_int_equal(replay_judge(replay, one, 5, 200, false), REPLAY_UNPROVEN);
    assert_int_equal(replay_count(replay), 0);
    assert_int_equal(judged(replay, one, 5, 150), REPLAY_NEW);
    assert_int_equal(replay_judge(replay, one, 5, 100, false), REPLAY_OLD); /* as before */
    assert_int_equal(replay_judge(replay, one, 5, 160, false), REPLAY_NEW);
    assert_int_equal(replay_judge(replay, one, 5, 150, false), REPLAY_OLD);
    assert_int_equal(replay_judge(replay, one, 6, 10, false), REPLAY_UNPROVEN); /* a new life */
    assert_int_equal(replay_judge(replay, one, 4, 10, false), REPLAY_UNPROVEN); /* an old one */
    assert_int_equal(judged(replay, one, 6, 10), REPLAY_NEW);
    assert_int_equal(judged(replay, one, 6, 10), REPLAY_OLD);
    replay_free(replay);
}

/* A ping of a life not heard yet is answered, and so is the next, but not the same again; lives are
 * apart, and of many the first is forgotten. */
static void test_an_ask_is_answered_once(void **state) {
    (void)state;
    struct replay *replay = replay_new();
    assert_true(replay_is_new_ask(replay, one, 5, 100));
    assert_false(replay_is_new_ask(replay, one, 5, 100));
    assert_true(replay_is_new_ask(replay, one, 5, 101));
    assert_false(replay_is_new_ask(replay, one, 5, 100));
    assert_true(replay_is_new_ask(replay, one, 4, 90));
    assert_false(replay_is_new_ask(replay, one, 4, 90));
    assert_false(replay_is_new_ask(replay, one, 5, 101));
    assert_true(replay_is_new_ask(replay, two, 5, 100));
    assert_int_equal(replay_count(replay), 0);
    for (unsigned i = 0; i < REPLAY_ASKERS_MAXIMUM; i++) {
        uint8_t uuid[GOSSIP_UUID_BYTES] = {9, (uint8_t)i, (uint8_t)(i >> 8)};
        assert_true(replay_is_new_ask(replay, uuid, 1, 1));
        assert_false(replay_is_new_ask(replay, uuid, 1, 1));
    }
    assert_true(replay_is_new_ask(replay, one, 5, 1));
    replay_free(replay);
}

/* However many lives are heard, the memory is bounded, and who is heard often is kept. */
static void test_lives_are_bounded(void **state) {
    (void)state;
    struct replay *replay = replay_new();
    assert_int_equal(judged(replay, one, 1, 1), REPLAY_NEW);
    for (unsigned i = 0; i < REPLAY_LIVES_MAXIMUM + 50; i++) {
        uint8_t uuid[GOSSIP_UUID_BYTES] = {9, (uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i >> 16)};
        assert_int_equal(judged(replay, uuid, 1, 1), REPLAY_NEW);
        if (i % 1000 == 0)
            assert_int_equal(judged(replay, one, 1, 2 + i), REPLAY_NEW);
    }
    assert_int_equal(replay_count(replay), REPLAY_LIVES_MAXIMUM);
    assert_int_equal(judged(replay, one, 1, 1), REPLAY_OLD);
    replay_free(replay);
}

/* The network loses, repeats and reorders: a sealed cluster settles, and agrees, as any other. */
static void test_a_bad_network_does_not_hurt(void **state) {
    (void)state;
    struct world *world = world_new(11);
    struct gossip_counters counters;
    world->is_sealed = true;
    world->loss = 0.1;
    world->repeats = 0.2;
    world->shortest_us = 1000;
    world->longest_us = 60000;
    world_add_cluster(world, 12);
    assert_true(world_run_until(world, 60000000, world_is_settled));
    world_set(world, 3, "color", "blue");
    world_run(world, 20000000);
    for (unsigned i = 1; i <= 12; i++)
        assert_true(bytes_equal(world_value(world, i, 3, "color"), BYTES_LITERAL("blue")));
    gossip_counters(world->nodes[1].gossip, &counters);
    assert_true(counters.replayed > 0);
    assert_int_equal(world->healthy_called_dead, 0);
    world_free(world);
}

/* Days pass quickly for nodes 1 and 2, which then have no grave of node 3 any more. */
static void let_it_be_forgotten(struct world *world) {
    world->timing.probe_interval_us = 60000000;
    for (unsigned i = 1; i <= 2; i++)
        gossip_set_timing(world->nodes[i].gossip, &world->timing);
    world_run(world, UINT64_C(100) * 3600 * 1000000);
    assert_null(world_view(world, 1, 3));
}

/* "Dead nodes come back": a day after its death nobody remembers a node; a recording of it does not
 * bring it back either. */
static void test_a_recording_brings_nobody_back(void **state) {
    (void)state;
    struct world *world = world_new(12);
    world->is_sealed = true;
    world_add_cluster(world, 3);
    world_run(world, 5000000);
    world_record(world);
    world_run(world, 3000000);
    world_kill(world, 3);
    world_run(world, 20000000);
    assert_true(world_is_state(world, 1, 3, GOSSIP_DEAD));
    let_it_be_forgotten(world);
    world_replay(world, 0);
    world_run(world, 1000000);
    assert_null(world_view(world, 1, 3));
    world_free(world);
}

/* Three sealed nodes; all that they say is recorded from their first word on. */
static struct world *recorded_until_3_is_dead(uint64_t seed) {
    struct world *world = world_new(seed);
    world->is_sealed = true;
    world_record(world);
    world_add_cluster(world, 3);
    world_run(world, 8000000);
    world_kill(world, 3);
    world_run(world, 20000000);
    return world;
}

/* As before, but node 2 has begun its next life meanwhile: what it wrote in the earlier one was for
 * the life of node 1 that still lasts, and is not heard again for that. Nor is a ping of it
 * answered twice. */
static void test_a_recording_of_an_earlier_life_brings_nobody_back(void **state) {
    (void)state;
    struct world *world = recorded_until_3_is_dead(16);
    struct gossip_counters counters;
    let_it_be_forgotten(world);
    world_kill(world, 2);
    world_start(world, 2);
    world_seed(world, 2, 1);
    world_run(world, 1000000);
    assert_int_equal(world_view(world, 1, 2)->who->generation, 2);
    world_replay(world, 0);
    world_run(world, 10000);
    assert_null(world_view(world, 1, 3));
    gossip_counters(world->nodes[1].gossip, &counters);
    uint64_t answered = counters.unproven_answered;
    world_replay(world, 0);
    world_run(world, 10000);
    assert_null(world_view(world, 1, 3));
    gossip_counters(world->nodes[1].gossip, &counters);
    assert_int_equal(counters.unproven_answered, answered);
    world_free(world);
}

/* Node 3 dies; a node that starts after that has heard nobody yet. Somebody sends all that was said
 * before again, as often as he likes: it does not learn of the dead from it. */
static void test_a_node_just_started_takes_no_recording(void **state) {
    (void)state;
    struct world *world = recorded_until_3_is_dead(13);
    struct gossip_counters counters;
    world_kill(world, 1);
    world_start(world, 1);
    for (unsigned i = 0; i < 3; i++) {
        world_replay(world, 0);
        world_run(world, 10000);
    }
    assert_null(world_view(world, 1, 3));
    gossip_counters(world->nodes[1].gossip, &counters);
    assert_true(counters.unproven > 0);
    uint64_t answered = counters.unproven_answered;
    assert_in_range(answered, 1, counters.unproven / 3);
    world_replay(world, 0);
    world_run(world, 10000);
    gossip_counters(world->nodes[1].gossip, &counters);
    assert_int_equal(counters.unproven_answered, answered);
    world_seed(world, 1, 2);
    world_run(world, 1000000);
    assert_true(world_is_state(world, 1, 2, GOSSIP_ALIVE));
    assert_true(world_is_state(world, 2, 1, GOSSIP_ALIVE));
    assert_null(world_view(world, 1, 3));
    world_free(world);
}

/* An ASK of member `one`, in its life 7, to probe one that nobody runs; with its own record. */
static void write_ask(struct codec_writer *writer, uint64_t sequence, uint64_t life) {
    static const struct codec_wire wire = {.version = 0};
    static const struct gossip_address nobody = {.host = "10.0.0.99", .port = 7000};
    struct codec_record record = {
        .generation = 7, .state = GOSSIP_ALIVE, .address = {.host = "10.0.0.1", .port = 7000}};
    memcpy(record.uuid, one, sizeof one);
    codec_begin(writer, &wire, CODEC_ASK, one, 7);
    codec_write_count(writer, 1);
    codec_write_life(writer, life);
    codec_write_sequence(writer, sequence);
    codec_write_target(writer, (const uint8_t[GOSSIP_UUID_BYTES]){99});
    codec_write_address(writer, &nobody);
    assert_true(codec_list_begin(writer, CODEC_SECTION_RECORDS));
    assert_true(codec_write_record(writer, &record));
    codec_list_end(writer);
}

/* Who asks a helper with which it never spoke has no window of it. The helper says for whom its
 * "no answer so far" is, or it would not be heard, and who asked would blame itself. */
static void test_a_nack_says_for_whom_it_is(void **state) {
    (void)state;
    struct gossip_options options = {
        .uuid = {2},
        .generation = 3,
        .address = {.host = "10.0.0.2", .port = 7000},
        .timing = {.probe_interval_us = 1000000, .probe_timeout_us = 200000, .suspicion_factor = 4},
        .is_sealed = true,
        .seed = 1};
    struct gossip *gossip = gossip_new(&options);
    struct gossip_actions actions;
    struct codec_writer writer;
    codec_writer_init(&writer);
    write_ask(&writer, 1234, codec_life(two, 3));
    struct gossip_event event = {.kind = GOSSIP_DATAGRAM,
                                 .address = {.host = "10.0.0.1", .port = 7000},
                                 .bytes = buffer_bytes(&writer.buffer)};
    unsigned nacks = 0;
    for (gossip_step(gossip, &event, &actions); event.now_us < 200000;) {
        event = (struct gossip_event){.kind = GOSSIP_TICK, .now_us = actions.deadline_us};
        gossip_step(gossip, &event, &actions);
        for (size_t i = 0; i < actions.datagram_count; i++) {
            struct codec_message message;
            assert_int_equal(codec_decode(&message, actions.datagrams[i].bytes), 0);
            if (message.kind != CODEC_NACK)
                continue;
            nacks++;
            assert_int_equal(message.sequence, 1234);
            assert_true(message.has_life && message.life == codec_life(one, 7));
        }
    }
    assert_int_equal(nacks, 1);
    codec_writer_release(&writer);
    gossip_free(gossip);
}

/* Nodes of a release that neither counts nor says for whom it writes live with those that do. */
static void test_older_releases_live_beside(void **state) {
    (void)state;
    struct world *world = world_new(15);
    struct gossip_counters counters;
    world_add_cluster(world, 3);
    world->is_sealed = true;
    for (unsigned number = 4; number <= 6; number++) {
        world_add(world);
        world_seed(world, number, number - 3);
    }
    assert_true(world_run_until(world, 10000000, world_is_settled));
    world_set(world, 1, "color", "blue");
    world_set(world, 6, "color", "red");
    world_kill(world, 5);
    world_start(world, 5);
    world_seed(world, 5, 2);
    assert_true(world_run_until(world, 10000000, world_is_settled));
    world_run(world, 2000000);
    assert_true(world_all_know(world, 1, "color", "blue"));
    assert_true(world_all_know(world, 6, "color", "red"));
    for (unsigned i = 1; i <= 6; i++) {
        gossip_counters(world->nodes[i].gossip, &counters);
        assert_int_equal(counters.replayed, 0);
    }
    assert_int_equal(world->healthy_called_dead, 0);
    world_free(world);
}

/* Sealed nodes find each other as fast as others do: the proof takes no round trip of its own. */
static void test_a_proof_costs_no_time(void **state) {
    (void)state;
    uint64_t taken_us[2];
    for (unsigned i = 0; i < 2; i++) {
        struct world *world = world_new(14);
        world->is_sealed = i == 1;
        world->shortest_us = world->longest_us = 20000;
        world_add_cluster(world, 30);
        assert_true(world_run_until(world, 60000000, world_is_settled));
        struct world_node *newcomer = world_add(world);
        uint64_t from_us = world->now_us;
        world_seed(world, newcomer->number, 1);
        assert_true(world_run_until(world, 60000000, world_is_settled));
        taken_us[i] = world->now_us - from_us;
        world_free(world);
    }
    print_message("settled in %" PRIu64 " us, sealed in %" PRIu64 " us\n", taken_us[0],
                  taken_us[1]);
    assert_in_range(taken_us[1], 0, taken_us[0] + 100000);
}

/* NEWS of member `one` with one section, which `write` writes. */
static void expect_section(void (*write)(struct codec_writer *writer), struct bytes expected,
                           struct codec_message *decoded) {
    struct codec_writer writer;
    const struct codec_wire wire = {.version = 0};
    codec_writer_init(&writer);
    codec_begin(&writer, &wire, CODEC_NEWS, one, 1);
    size_t at = writer.buffer.length;
    write(&writer);
    struct bytes all = buffer_bytes(&writer.buffer);
    assert_true(bytes_equal(bytes_of(all.data + at, all.length - at), expected));
    assert_int_equal(codec_decode(decoded, all), 0);
    codec_writer_release(&writer);
}

static void write_300(struct codec_writer *writer) { codec_write_count(writer, 300); }

/* The section's bytes: tag 21, its length, a varint. */
static void test_the_bytes_of_a_count(void **state) {
    (void)state;
    struct codec_message message;
    static const uint8_t expected[] = {21, 2, 0, 0xac, 0x02};
    expect_section(write_300, bytes_of(expected, sizeof expected), &message);
    assert_int_equal(message.count, 300);
}

static void write_life_2(struct codec_writer *writer) {
    codec_write_life(writer, codec_life(one, 2));
}

/* Tag 23, 8 bytes: XXH3 of the UUID, with the generation as its seed. */
static void test_the_bytes_of_a_life(void **state) {
    (void)state;
    struct codec_message message;
    static const uint8_t expected[] = {23, 8, 0, 0x5f, 0x4b, 0xfa, 0xf8, 0xb4, 0x28, 0xa3, 0x7c};
    expect_section(write_life_2, bytes_of(expected, sizeof expected), &message);
    assert_true(message.has_life && message.life == codec_life(one, 2));
    assert_true(codec_life(one, 2) != codec_life(one, 3) &&
                codec_life(one, 2) != codec_life(two, 2));
}

RUN_TESTS_OR_PLANT(
    cmocka_unit_test(test_each_count_is_new_once), cmocka_unit_test(test_lives_are_apart),
    cmocka_unit_test(test_releases_that_do_not_count),
    cmocka_unit_test(test_a_life_not_heard_yet_is_proven_first),
    cmocka_unit_test(test_an_ask_is_answered_once), cmocka_unit_test(test_lives_are_bounded),
    cmocka_unit_test(test_a_bad_network_does_not_hurt),
    cmocka_unit_test(test_a_recording_brings_nobody_back),
    cmocka_unit_test(test_a_recording_of_an_earlier_life_brings_nobody_back),
    cmocka_unit_test(test_a_node_just_started_takes_no_recording),
    cmocka_unit_test(test_a_nack_says_for_whom_it_is),
    cmocka_unit_test(test_older_releases_live_beside), cmocka_unit_test(test_a_proof_costs_no_time),
    cmocka_unit_test(test_the_bytes_of_a_life), cmocka_unit_test(test_the_bytes_of_a_count))
