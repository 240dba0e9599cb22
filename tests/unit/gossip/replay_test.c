/* Which datagrams came before: the window of each life, by itself and in a world of sealed nodes.
 */
#include "../unit.h"
#include "base/planted.h"
#include "gossip/codec.h"
#include "gossip/replay.h"
#include "world.h"

static const uint8_t one[GOSSIP_UUID_BYTES] = {1}, two[GOSSIP_UUID_BYTES] = {2};

/* In whatever order a sender's counts come, within a window: each is new once. */
static void test_each_count_is_new_once(void **state) {
    (void)state;
    struct replay *replay = replay_new();
    struct random random;
    bool came[5000] = {false};
    uint64_t highest = 0;
    random_init(&random, 7);
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t most = highest + 400 < 5000 ? highest + 400 : 4999;
        uint64_t count = random_between(&random, highest > 600 ? highest - 600 : 1, most);
        bool is_inside = highest < REPLAY_WINDOW || count > highest - REPLAY_WINDOW;
        assert_int_equal(replay_is_new(replay, one, 1, count), is_inside && !came[count]);
        came[count] |= is_inside;
        if (count > highest)
            highest = count;
    }
    assert_true(highest == 4999);
    replay_free(replay);
}

/* Lives are apart: another member, a later generation. An earlier one is for gossip to answer. */
static void test_lives_are_apart(void **state) {
    (void)state;
    struct replay *replay = replay_new();
    assert_true(replay_is_new(replay, one, 5, 100));
    assert_true(replay_is_new(replay, two, 5, 100));
    assert_false(replay_is_new(replay, one, 5, 100));
    assert_true(replay_is_new(replay, one, 6, 100));
    assert_false(replay_is_new(replay, one, 6, 100));
    assert_true(replay_is_new(replay, one, 5, 100));
    assert_false(replay_is_new(replay, one, 6, 100)); /* the earlier one has changed nothing */
    assert_false(replay_is_new(replay, two, 5, 100));
    assert_int_equal(replay_count(replay), 2);
    replay_free(replay);
}

/* A release that does not count is heard; a life that counts is not without. */
static void test_releases_that_do_not_count(void **state) {
    (void)state;
    struct replay *replay = replay_new();
    assert_true(replay_is_new(replay, one, 1, 0));
    assert_true(replay_is_new(replay, one, 1, 0));
    assert_int_equal(replay_count(replay), 0);
    assert_true(replay_is_new(replay, one, 2, 1)); /* the new release */
    assert_false(replay_is_new(replay, one, 2, 0));
    assert_true(replay_is_new(replay, one, 3, 0)); /* and back */
    replay_free(replay);
}

/* However many lives are heard, the memory is bounded, and who is heard often is kept. */
static void test_lives_are_bounded(void **state) {
    (void)state;
    struct replay *replay = replay_new();
    assert_true(replay_is_new(replay, one, 1, 1));
    for (unsigned i = 0; i < REPLAY_LIVES_MAXIMUM + 50; i++) {
        uint8_t uuid[GOSSIP_UUID_BYTES] = {9, (uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i >> 16)};
        assert_true(replay_is_new(replay, uuid, 1, 1));
        if (i % 1000 == 0)
            assert_true(replay_is_new(replay, one, 1, 2 + i));
    }
    assert_int_equal(replay_count(replay), REPLAY_LIVES_MAXIMUM);
    assert_false(replay_is_new(replay, one, 1, 1));
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
    world->timing.probe_interval_us = 60000000; /* a day passes quickly */
    for (unsigned i = 1; i <= 2; i++)
        gossip_set_timing(world->nodes[i].gossip, &world->timing);
    world_run(world, UINT64_C(100) * 3600 * 1000000);
    assert_null(world_view(world, 1, 3));
    world_replay(world);
    world_run(world, 1000000);
    assert_null(world_view(world, 1, 3));
    world_free(world);
}

/* The section's bytes: tag 21, its length, a varint. */
static void test_the_bytes_of_a_count(void **state) {
    (void)state;
    struct codec_writer writer;
    struct codec_message message;
    const struct codec_wire wire = {.version = 0};
    static const uint8_t expected[] = {21, 2, 0, 0xac, 0x02};
    codec_writer_init(&writer);
    codec_begin(&writer, &wire, CODEC_NEWS, one, 1);
    size_t at = writer.buffer.length;
    codec_write_count(&writer, 300);
    struct bytes bytes = buffer_bytes(&writer.buffer);
    assert_int_equal(bytes.length, at + sizeof expected);
    assert_memory_equal(bytes.data + at, expected, sizeof expected);
    assert_int_equal(codec_decode(&message, bytes), 0);
    assert_int_equal(message.count, 300);
    codec_writer_release(&writer);
}

/* Without an argument the tests; `--plant` shows that they find the fault: they fail then. */
int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_count_is_new_once),
                                       cmocka_unit_test(test_lives_are_apart),
                                       cmocka_unit_test(test_releases_that_do_not_count),
                                       cmocka_unit_test(test_lives_are_bounded),
                                       cmocka_unit_test(test_a_bad_network_does_not_hurt),
                                       cmocka_unit_test(test_a_recording_brings_nobody_back),
                                       cmocka_unit_test(test_the_bytes_of_a_count)};
    (void)argv;
#ifdef TROTHDB_PLANTED_FAULTS
    if (argc > 1)
        planted_fault_on = PLANTED_GOSSIP_REPLAY_HEARD;
#endif
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return argc > 1 ? failed == 0 : failed;
}
