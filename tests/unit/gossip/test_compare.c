/* Comparing two states: where they differ in little, little is sent. */
#include "../unit.h"
#include "base/planted.h"
#include "gossip/instance/sending.h"
#include "gossip/news/news.h"
#include "gossip/sync/compare.h"
#include "made_up.h"

#define SECOND      UINT64_C(1000000)
#define MILLISECOND UINT64_C(1000)

static bool all_are_red(struct world *world) {
    for (unsigned i = 1; i <= world->count; i++)
        if (!bytes_equal(world_value(world, i, 7, "color"), bytes_of_text("red")))
            return false;
    return true;
}

/* `count` nodes that know each other; then 7 says something that nobody hears when it is new. */
static struct world *world_that_missed_a_key(unsigned count) {
    struct world *world = world_new(1);
    world_add_cluster(world, count);
    assert_true(world_run_until(world, 20 * SECOND, world_is_settled));
    world_run(world, 10 * SECOND);
    for (unsigned i = 1; i <= count; i++)
        world->is_cut[7][i] = i != 7;
    world_set(world, 7, "color", "red");
    world_run(world, 400 * MILLISECOND);
    world_heal(world);
    world->digest_count = world->digest_bytes = world->datagram_count = 0;
    return world;
}

/* A digest of all nodes in every message is where chitchat ends, near 1,150 nodes (quickwit #6653).
 * Here those of the one bucket are named in which the two differ. */
static void test_digest_of_all_nodes_in_every_message(void **state) {
    (void)state;
    struct world *world = world_that_missed_a_key(200);
    assert_true(world_run_until(world, 20 * SECOND, all_are_red));
    assert_true(world->digest_count > 0);
    assert_true(world->digest_count < world->datagram_count / 4);
    assert_true(world->digest_bytes / world->digest_count < 500); /* all: some 4,600 */
    assert_true(world->largest_bytes <= GOSSIP_DATAGRAM_MAXIMUM);
    world_free(world);
}

/* The fault that the test above is for would be seen (in a build with planted faults). */
static void test_digests_of_all_would_show(void **state) {
    (void)state;
#ifdef TROTHDB_PLANTED_FAULTS
    struct world *world = world_that_missed_a_key(200);
    planted_fault_on = PLANTED_GOSSIP_BUCKETS_IGNORED;
    world_run_until(world, 20 * SECOND, all_are_red);
    planted_fault_on = PLANTED_NOTHING;
    assert_true(world->digest_bytes / world->digest_count > 500);
    world_free(world);
#endif
}

/* Counters of heartbeats in the state make all digests differ always (chitchat, Cassandra). Where
 * nothing happens, nothing is compared. */
static void test_heartbeat_counters_in_the_state(void **state) {
    (void)state;
    struct world *world = world_new(2);
    world_add_cluster(world, 60);
    assert_true(world_run_until(world, 20 * SECOND, world_is_settled));
    world_run(world, 20 * SECOND);
    world->digest_count = 0;
    world_run(world, 60 * SECOND);
    assert_int_equal(world->digest_count, 0);
    world_free(world);
}

/* A node of a release that knows of no buckets finds what it missed, and is found by the others. */
static void test_old_and_new_compare(void **state) {
    (void)state;
    struct world *world = world_new(3);
    for (unsigned i = 0; i < 60; i++) {
        world->is_next_old = i % 2 == 0;
        world_seed(world, world_add(world)->number, 1);
    }
    assert_true(world_run_until(world, 20 * SECOND, world_is_settled));
    for (unsigned i = 1; i <= 60; i++)
        world->is_cut[7][i] = i != 7;
    world_set(world, 7, "color", "red");
    world_run(world, 400 * MILLISECOND);
    world_heal(world);
    assert_true(world_run_until(world, 20 * SECOND, all_are_red));
    world_free(world);
}

/* Thousands that want everything at once exhaust memory (memberlist #158). Here what one asks costs
 * at most so many datagrams, all together at most the bandwidth; the rest are told whom else to
 * ask.
 */
static void test_thousands_of_full_syncs_at_once(void **state) {
    (void)state;
    enum { ASKING = 2000, BYTES_PER_SECOND = 200000 };
    static const uint8_t first[GOSSIP_UUID_BYTES] = {0};
    uint8_t last[GOSSIP_UUID_BYTES], stranger[GOSSIP_UUID_BYTES] = "a stranger";
    memset(last, 0xff, sizeof last);
    struct world *world = world_new(4);
    world_add_cluster(world, 100);
    assert_true(world_run_until(world, 20 * SECOND, world_is_settled));
    world->timing.bytes_per_second = BYTES_PER_SECOND;
    gossip_set_timing(world->nodes[1].gossip, &world->timing);
    world_run(world, 2 * SECOND);
    struct gossip_counters before, after;
    gossip_counters(world->nodes[1].gossip, &before);
    struct codec_writer writer;
    codec_writer_init(&writer);
    for (unsigned i = 0; i < ASKING; i++) {
        stranger[14] = (uint8_t)(i >> 8);
        stranger[15] = (uint8_t)i;
        codec_begin(&writer, &(struct codec_wire){0}, CODEC_DIGEST, stranger, 1);
        codec_write_range(&writer, first, last);
        world_send(world, 2, 1, buffer_bytes(&writer.buffer));
    }
    codec_writer_release(&writer);
    gossip_counters(world->nodes[1].gossip, &after);
    uint64_t sent = after.datagrams_sent - before.datagrams_sent;
    assert_true(after.bytes_sent - before.bytes_sent < BYTES_PER_SECOND + ASKING * 600);
    assert_true(after.referrals > ASKING / 2); /* one datagram each */
    assert_true(sent < ASKING + BYTES_PER_SECOND / 500);
    assert_true(world->largest_bytes <= GOSSIP_DATAGRAM_MAXIMUM);
    world_run(world, SECOND);
    assert_true(world_is_settled(world));
    world_free(world);
}

/* A hundred that join through a seed with little bandwidth ask each other instead. */
static void test_join_through_a_poor_seed(void **state) {
    (void)state;
    struct world *world = world_new(5);
    world->timing.bytes_per_second = 20000;
    world_seed(world, world_add(world)->number, 1);
    world->timing.bytes_per_second = 0;
    for (unsigned i = 2; i <= 150; i++)
        world_seed(world, world_add(world)->number, 1);
    assert_true(world_run_until(world, 60 * SECOND, world_is_settled));
    world_free(world);
}

static void name_it(unsigned number, uint8_t uuid[GOSSIP_UUID_BYTES]) {
    memset(uuid, 0xcc, GOSSIP_UUID_BYTES);
    uuid[0] = (uint8_t)number;
}

/* So much later an answer comes with another hash: is a comparison begun? */
static bool begins_to_compare(struct gossip *gossip, uint64_t later_us) {
    static const struct gossip_address from = {.host = "10.0.0.9", .port = 7000};
    const struct codec_message ack = {.kind = CODEC_ACK, .hash = gossip->hash + 1};
    struct gossip_actions actions;
    gossip->now_us += later_us;
    sending_clear(gossip);
    compare_hear(gossip, &from, &ack);
    sending_hand_out(gossip, &actions);
    return actions.datagram_count > 0;
}

/* While news waits it explains why two states differ, and one of four intervals is enough. As soon
 * as all is told, what a flood left is found within one. */
static void test_after_a_flood_it_is_soon_compared(void **state) {
    (void)state;
    enum { MADE_UP = 40 };
    struct world *world = world_new(6);
    world_add(world);
    made_up_announce(world, 1, MADE_UP, name_it);
    struct gossip *gossip = world->nodes[1].gossip;
    uint64_t interval_us = gossip->timing.probe_interval_us;
    assert_int_equal(gossip_member_count(gossip), MADE_UP + 1);
    assert_true(begins_to_compare(gossip, 0));
    assert_false(begins_to_compare(gossip, interval_us));
    assert_false(begins_to_compare(gossip, 2 * interval_us));
    assert_true(begins_to_compare(gossip, interval_us));
    for (unsigned i = 0; i <= MADE_UP; i++)
        news_remove_all(gossip, gossip->members[i]);
    assert_false(begins_to_compare(gossip, interval_us - 1));
    assert_true(begins_to_compare(gossip, 1));
    assert_false(begins_to_compare(gossip, interval_us - 1));
    assert_true(begins_to_compare(gossip, 1));
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_digest_of_all_nodes_in_every_message),
          cmocka_unit_test(test_digests_of_all_would_show),
          cmocka_unit_test(test_heartbeat_counters_in_the_state),
          cmocka_unit_test(test_old_and_new_compare),
          cmocka_unit_test(test_thousands_of_full_syncs_at_once),
          cmocka_unit_test(test_join_through_a_poor_seed),
          cmocka_unit_test(test_after_a_flood_it_is_soon_compared))
