/* Clusters in the fake world. Every test is named after the trap that it would have caught. */
#include "../unit.h"
#include "conditions.h"
#include "gossip/wire/codec.h"

enum { SECOND = 1000000 };

static const struct codec_wire version_0 = {.version = 0};

static void assert_value(struct world *world, unsigned number, unsigned other, const char *key,
                         const char *expected) {
    struct bytes value = world_value(world, number, other, key);
    assert_int_equal(value.length, strlen(expected));
    if (value.length > 0)
        assert_memory_equal(value.data, expected, value.length);
}

/* Fifty nodes that know one seed find each other within seconds. */
static void test_all_meet_through_one_seed(void **state) {
    (void)state;
    struct world *world = world_new(1);
    world_add_cluster(world, 50);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    world_free(world);
}

/* A seed that is not there yet is probed for ever. */
static void test_seed_that_comes_late_is_found(void **state) {
    (void)state;
    struct world *world = world_new(2);
    world_add(world);
    world_kill(world, 1);
    world_add(world);
    world_seed(world, 2, 1);
    world_run(world, 600 * SECOND);
    world_start(world, 1);
    assert_true(world_run_until(world, 20 * SECOND, world_is_settled));
    world_free(world);
}

/* A sick network accuses hundreds (consul #5567): with 30 % loss each way, delays and repeats, in
 * ten minutes nobody who runs is called dead by anybody, though there were suspicions enough. */
static void test_no_healthy_node_is_called_dead(void **state) {
    (void)state;
    struct world *world = world_new(3);
    world_add_cluster(world, 50);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    world->loss = 0.3;
    world->repeats = 0.05;
    world->longest_us = 50000;
    world_run(world, 600 * (uint64_t)SECOND);
    uint64_t suspicions = 0, refutations = 0;
    for (unsigned i = 1; i <= 50; i++) {
        struct gossip_counters counters;
        gossip_counters(world->nodes[i].gossip, &counters);
        suspicions += counters.suspicions;
        refutations += counters.refutations;
        assert_int_equal(counters.deaths, 0);
    }
    assert_true(suspicions > 50);
    assert_true(refutations > 50);
    assert_int_equal(world->healthy_called_dead, 0);
    world->loss = 0;
    assert_true(world_run_until(world, 10 * SECOND, world_is_settled));
    world_free(world);
}

/* One node that hears nobody every other second blames itself, not others (consul #1212). */
static void test_sick_node_kills_nobody(void **state) {
    (void)state;
    struct world *world = world_new(4);
    world_add_cluster(world, 20);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    struct gossip_counters counters;
    unsigned blamed = 0; /* rounds at whose end it blames itself; it is deaf in every other one */
    for (unsigned round = 0; round < 60; round++) {
        for (unsigned i = 1; i <= 20; i++)
            world->is_cut[i][7] = i != 7 && round % 2 == 0;
        world_run(world, SECOND);
        gossip_counters(world->nodes[7].gossip, &counters);
        blamed += counters.local_health > 0;
    }
    world_heal(world);
    assert_in_range(blamed, 20, 60);
    assert_true(counters.probes_failed > 0);
    for (unsigned i = 1; i <= 20; i++)
        for (unsigned j = 1; j <= 20; j++)
            assert_false(j != 7 && i != 7 && world_is_state(world, i, j, GOSSIP_DEAD));
    assert_true(world_run_until(world, 30 * SECOND, world_is_settled));
    world_free(world);
}

/* A death is known to all within bounds, and only the dead one is dead. */
static void test_death_is_known_to_all(void **state) {
    (void)state;
    struct world *world = world_new(6);
    world_add_cluster(world, 50);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    world_kill(world, 2);
    assert_true(world_run_until(world, 8 * SECOND, two_is_dead));
    assert_true(world_is_settled(world));
    world_free(world);
}

/* One changed key is known to all, at once in a good network. */
static void test_key_is_known_to_all(void **state) {
    (void)state;
    struct world *world = world_new(8);
    world_add_cluster(world, 50);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    world_run(world, 5 * SECOND);
    world_set(world, 1, "color", "red");
    assert_true(world_run_until(world, 300000, color_is_red));
    world_free(world);
}

/* The same with a fifth of the datagrams lost, and with values that fill a datagram each. */
static void test_large_state_arrives_through_loss(void **state) {
    (void)state;
    struct world *world = world_new(9);
    world->loss = 0.2;
    world_add_cluster(world, 20);
    char key[16], value[GOSSIP_VALUE_MAXIMUM + 1];
    for (unsigned i = 0; i < GOSSIP_KEYS_PER_MEMBER_MAXIMUM - 1; i++) {
        snprintf(key, sizeof key, "key%u", i);
        memset(value, 'a' + (int)(i % 26), GOSSIP_VALUE_MAXIMUM);
        value[GOSSIP_VALUE_MAXIMUM] = 0;
        world_set(world, 1, key, value);
    }
    world_set(world, 1, "color", "red");
    world_run(world, 60 * SECOND);
    for (unsigned i = 1; i <= 20; i++) {
        assert_value(world, i, 1, "color", "red");
        assert_value(world, i, 1, key, value);
        assert_int_equal(world_value(world, i, 1, "key0").length, GOSSIP_VALUE_MAXIMUM);
    }
    world_set(world, 1, "one too many", "x");
    assert_int_equal(world_value(world, 1, 1, "one too many").length, 0);
    world_free(world);
}

/* Same id with a new address (memberlist #157, scylla #11868): a restart elsewhere is the same
 * member, at once. */
static void test_restart_with_new_address(void **state) {
    (void)state;
    struct world *world = world_new(12);
    world_add_cluster(world, 10);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    world_set(world, 2, "color", "red");
    world_run(world, SECOND);
    world_kill(world, 2);
    snprintf(world->nodes[2].address.host, sizeof world->nodes[2].address.host, "10.9.9.9");
    world_start(world, 2);
    world_seed(world, 2, 1);
    assert_true(world_run_until(world, 2 * SECOND, world_is_settled));
    for (unsigned i = 1; i <= 10; i++) {
        assert_string_equal(world_view(world, i, 2)->who->address.host, "10.9.9.9");
        assert_int_equal(gossip_member_count(world->nodes[i].gossip), 10);
        assert_value(world, i, 2, "color", ""); /* what the earlier life said died with it */
    }
    assert_int_equal(world->healthy_called_dead, 0);
    world_free(world);
}

/* The restarted node knows nobody and has no seed; the others find it where it was. */
static void test_restarted_node_without_seeds_is_found(void **state) {
    (void)state;
    struct world *world = world_new(13);
    world_add_cluster(world, 5);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    world_kill(world, 1);
    world_run(world, 60 * SECOND);
    world_start(world, 1);
    assert_true(world_run_until(world, 20 * SECOND, world_is_settled));
    world_free(world);
}

/* A restart with an old number (memberlist #189): a stale generation does not come back, neither by
 * itself nor by news. */
static void test_stale_generation_does_not_return(void **state) {
    (void)state;
    struct world *world = world_new(14);
    world_add_cluster(world, 5);
    world->nodes[2].generation = 4;
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled) ==
                false); /* it runs as generation 1 */
    world_kill(world, 2);
    world_start(world, 2); /* generation 5 */
    world_seed(world, 2, 1);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    world_kill(world, 2);
    assert_true(world_run_until(world, 30 * SECOND, two_is_dead));
    world->nodes[2].generation = 2;
    world_start(world, 2); /* a restored backup: generation 3 */
    world_seed(world, 2, 1);
    world_run(world, 60 * SECOND);
    for (unsigned i = 1; i <= 5; i++) {
        if (i == 2)
            continue;
        assert_true(world_is_state(world, i, 2, GOSSIP_DEAD));
        assert_int_equal(world_view(world, i, 2)->who->generation, 5);
    }
    world_free(world);
}

/* Leaving is final for the generation, is not a death, and the next generation is welcome. */
static void test_left_is_final_for_its_generation(void **state) {
    (void)state;
    struct world *world = world_new(15);
    world_add_cluster(world, 10);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    world_leave(world, 2);
    assert_true(world_run_until(world, SECOND / 10, two_has_left));
    world_run(world, 30 * SECOND); /* it still answers, and stays away */
    assert_true(two_has_left(world));
    world_kill(world, 2);
    world_run(world, 30 * SECOND);
    assert_true(two_has_left(world));
    world_start(world, 2);
    world_seed(world, 2, 1);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    world_free(world);
}

/* Deleted keys come back (piko #314, chitchat #94): a node that was away while a key was removed,
 * and for longer than the removal is remembered, does not bring the key back, and loses it itself.
 */
static void test_removed_key_does_not_come_back(void **state) {
    (void)state;
    struct world *world = world_new(16);
    world_add_cluster(world, 5);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    world_set(world, 1, "color", "red");
    world_set(world, 1, "size", "large");
    assert_true(world_run_until(world, SECOND, color_is_red));
    world_split(world, 4); /* node 5 is alone */
    world_run(world, 30 * SECOND);
    world_set(world, 1, "color", "");
    world_set(world, 1, "shape", "round");
    world_run(world, 2 * 3600 * (uint64_t)SECOND);
    assert_value(world, 5, 1, "color", "red");
    world_heal(world);
    assert_true(world_run_until(world, 30 * SECOND, world_is_settled));
    assert_true(world_run_until(world, 5 * SECOND, color_is_gone));
    world_run(world, 30 * SECOND);
    assert_true(color_is_gone(world));
    for (unsigned i = 1; i <= 5; i++) {
        assert_value(world, i, 1, "size", "large"); /* said before the reset, and not said again */
        assert_value(world, i, 1, "shape", "round");
    }
    world_free(world);
}

/* Many more removals than are remembered, through loss: all agree in the end, on exactly what was
 * said last. */
static void test_many_removals_through_loss(void **state) {
    (void)state;
    struct world *world = world_new(17);
    world->loss = 0.2;
    world->repeats = 0.2;
    world->longest_us = 30000;
    world_add_cluster(world, 8);
    bool is_there[40] = {false};
    char key[16];
    for (unsigned i = 0; i < 2000; i++) {
        unsigned which = (unsigned)random_below(&world->random, 40);
        is_there[which] = random_chance(&world->random, 0.5);
        snprintf(key, sizeof key, "key%u", which);
        world_set(world, 1, key, is_there[which] ? key : "");
        world_run(world, random_below(&world->random, 20000));
    }
    world_run(world, 30 * SECOND);
    for (unsigned i = 1; i <= 8; i++)
        for (unsigned which = 0; which < 40; which++) {
            snprintf(key, sizeof key, "key%u", which);
            assert_value(world, i, 1, key, is_there[which] ? key : "");
        }
    world_free(world);
}

/* As if `from` told `to` of a record, or of one entry of node 1. */
static void tell_record(struct world *world, unsigned from, unsigned to,
                        struct codec_record record) {
    struct codec_writer writer;
    codec_writer_init(&writer);
    codec_begin(&writer, &version_0, CODEC_NEWS, world->nodes[from].uuid,
                world->nodes[from].generation);
    assert_true(codec_list_begin(&writer, CODEC_SECTION_RECORDS));
    assert_true(codec_write_record(&writer, &record));
    codec_list_end(&writer);
    world_send(world, from, to, buffer_bytes(&writer.buffer));
    codec_writer_release(&writer);
}

static void tell_entry(struct world *world, unsigned from, unsigned to, struct codec_entry entry) {
    struct codec_group group = {.generation = world->nodes[1].generation};
    memcpy(group.uuid, world->nodes[1].uuid, GOSSIP_UUID_BYTES);
    struct codec_writer writer;
    codec_writer_init(&writer);
    codec_begin(&writer, &version_0, CODEC_NEWS, world->nodes[from].uuid,
                world->nodes[from].generation);
    assert_true(codec_list_begin(&writer, CODEC_SECTION_ENTRIES));
    assert_true(codec_group_begin(&writer, &group));
    assert_true(codec_write_entry(&writer, &entry));
    codec_group_end(&writer);
    codec_list_end(&writer);
    world_send(world, from, to, buffer_bytes(&writer.buffer));
    codec_writer_release(&writer);
}

/* Deleted keys come back (chitchat #155): somebody who missed a removal that all others have
 * forgotten by now tells of the key, and is not believed. */
static void test_forgotten_removal_still_holds(void **state) {
    (void)state;
    struct world *world = world_new(25);
    world_add_cluster(world, 3);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    world_set(world, 1, "color", "red");   /* @1 */
    world_set(world, 1, "size", "large");  /* @2 */
    world_set(world, 1, "color", "");      /* @3 */
    world_set(world, 1, "shape", "round"); /* @4 */
    world_run(world, 5 * SECOND);
    struct codec_entry stale = {
        .version = 1, .previous = 0, .key = BYTES_LITERAL("color"), .value = BYTES_LITERAL("red")};
    tell_entry(world, 3, 2, stale);
    assert_value(world, 2, 1, "color", ""); /* the removal is remembered */
    world_run(world, 2 * 3600 * (uint64_t)SECOND);
    tell_entry(world, 3, 2, stale);
    assert_value(world, 2, 1, "color", ""); /* and now it is forgotten */
    assert_value(world, 2, 1, "size", "large");
    world_free(world);
}

/* A node that misses all pushes of one key, and then hears of the next one, still finds out about
 * the first. */
static void test_missed_key_is_found_behind_a_later_one(void **state) {
    (void)state;
    struct world *world = world_new(26);
    world_add_cluster(world, 3);
    world_run(world, 5 * SECOND);
    world_split(world, 2);
    world_set(world, 1, "size", "large");
    world_run(world, 600000); /* longer than the news is told, shorter than a suspicion lasts */
    world_heal(world);
    world_set(world, 1, "color", "red");
    assert_true(world_run_until(world, 100000, color_is_red));
    assert_value(world, 3, 1, "size", "");
    world_run(world, 5 * SECOND);
    assert_value(world, 3, 1, "size", "large");
    world_free(world);
}

/* What no member could have said of itself: life after leaving, the death of somebody whom nobody
 * knows. */
static void test_impossible_news_is_not_believed(void **state) {
    (void)state;
    struct world *world = world_new(27);
    world_add_cluster(world, 3);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    world_leave(world, 2);
    assert_true(world_run_until(world, SECOND, two_has_left));
    struct codec_record record = {.generation = 1,
                                  .incarnation = 9,
                                  .state = GOSSIP_ALIVE,
                                  .address = world->nodes[2].address};
    memcpy(record.uuid, world->nodes[2].uuid, GOSSIP_UUID_BYTES);
    tell_record(world, 3, 1, record);
    assert_true(world_is_state(world, 1, 2, GOSSIP_LEFT));
    record.state = GOSSIP_DEAD;
    record.uuid[0] = 0xee;
    tell_record(world, 3, 1, record);
    assert_int_equal(gossip_member_count(world->nodes[1].gossip), 3);
    world_free(world);
}

/* Digests always differ (chitchat, Cassandra): where nothing happens, nothing but probes is sent,
 * and no comparison. */
static void test_quiet_cluster_only_probes(void **state) {
    (void)state;
    struct world *world = world_new(18);
    world_add_cluster(world, 20);
    world_run(world, 30 * SECOND);
    world->datagram_count = world->byte_count = 0;
    world_run(world, 10 * SECOND);
    /* 20 nodes, 2 probes by lot and 4 of those they watch a second each, ping and answer, 10
     * seconds; a few watch the same node twice, and probe it once */
    assert_in_range(world->datagram_count, 2200, 2420);
    assert_true(world->byte_count / world->datagram_count < 80);
    world_free(world);
}

/* Malformed datagrams are counted, and nothing else happens. */
static void test_malformed_is_counted_and_ignored(void **state) {
    (void)state;
    struct world *world = world_new(19);
    world_add_cluster(world, 2);
    world_run(world, 5 * SECOND);
    world->datagram_count = 0;
    world_send(world, 2, 1, BYTES_LITERAL(""));
    world_send(world, 2, 1, BYTES_LITERAL("\0\1 too short"));
    world_send(world, 2, 1, BYTES_LITERAL("\7\1aaaaaaaaaaaaaaaa\1"));
    struct gossip_counters counters;
    gossip_counters(world->nodes[1].gossip, &counters);
    assert_int_equal(counters.malformed, 3);
    assert_int_equal(world->datagram_count, 0);
    world_free(world);
}

/* The same seed gives the same run; another seed another. */
static void test_same_seed_same_run(void **state) {
    (void)state;
    uint64_t bytes[3];
    for (unsigned i = 0; i < 3; i++) {
        struct world *world = world_new(i < 2 ? 20 : 21);
        world->loss = 0.1;
        world_add_cluster(world, 10);
        world_run(world, 10 * SECOND);
        world_kill(world, 2);
        world_run(world, 20 * SECOND);
        bytes[i] = world->byte_count;
        world_free(world);
    }
    assert_int_equal(bytes[0], bytes[1]);
    assert_int_not_equal(bytes[0], bytes[2]);
}

/* A one-way cut: node 2 is heard by all but hears nobody but node 1. The others' probes through
 * node 1 keep it in. */
static void test_probes_through_others_bridge_a_cut(void **state) {
    (void)state;
    struct world *world = world_new(22);
    world_add_cluster(world, 8);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    for (unsigned i = 3; i <= 5; i++)
        world_cut(world, i, 2);
    world_run(world, 120 * SECOND);
    assert_int_equal(world->healthy_called_dead, 0);
    struct gossip_counters counters;
    gossip_counters(world->nodes[3].gossip, &counters);
    assert_true(counters.indirect_probes > 0);
    world_free(world);
}

/* Settled, and so slow that a day is few events. */
static struct world *slow_world(uint64_t seed, unsigned count) {
    struct world *world = world_new(seed);
    world->timing.probe_interval_us = 20 * SECOND;
    world->timing.probe_timeout_us = SECOND;
    world_add_cluster(world, count);
    world_run(world, 200 * SECOND);
    assert_true(world_is_settled(world));
    return world;
}

/* The dead are forgotten after their time, by all, and do not come back by those who forget later.
 */
static void test_graves_are_forgotten(void **state) {
    (void)state;
    struct world *world = slow_world(23, 4);
    world_kill(world, 2);
    world_run(world, 1000 * (uint64_t)SECOND);
    assert_true(two_is_dead(world));
    world_run(world, 25 * 3600 * (uint64_t)SECOND);
    for (unsigned i = 1; i <= 4; i++)
        if (i != 2)
            assert_null(world_view(world, i, 2));
    world_free(world);
}

/* One dies half a day after another one: it is remembered half a day longer, and not a day. */
static void test_each_grave_has_its_own_time(void **state) {
    (void)state;
    static const uint64_t hour_us = 3600 * (uint64_t)SECOND;
    struct world *world = slow_world(24, 5);
    world_kill(world, 2);
    world_run(world, 12 * hour_us);
    world_kill(world, 3);
    world_run(world, 13 * hour_us);
    assert_null(world_view(world, 1, 2));
    assert_non_null(world_view(world, 1, 3));
    world_run(world, 12 * hour_us);
    assert_null(world_view(world, 1, 3));
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_all_meet_through_one_seed),
          cmocka_unit_test(test_seed_that_comes_late_is_found),
          cmocka_unit_test(test_no_healthy_node_is_called_dead),
          cmocka_unit_test(test_sick_node_kills_nobody),
          cmocka_unit_test(test_death_is_known_to_all), cmocka_unit_test(test_key_is_known_to_all),
          cmocka_unit_test(test_large_state_arrives_through_loss),
          cmocka_unit_test(test_restart_with_new_address),
          cmocka_unit_test(test_restarted_node_without_seeds_is_found),
          cmocka_unit_test(test_stale_generation_does_not_return),
          cmocka_unit_test(test_left_is_final_for_its_generation),
          cmocka_unit_test(test_removed_key_does_not_come_back),
          cmocka_unit_test(test_many_removals_through_loss),
          cmocka_unit_test(test_quiet_cluster_only_probes),
          cmocka_unit_test(test_malformed_is_counted_and_ignored),
          cmocka_unit_test(test_same_seed_same_run),
          cmocka_unit_test(test_probes_through_others_bridge_a_cut),
          cmocka_unit_test(test_graves_are_forgotten),
          cmocka_unit_test(test_each_grave_has_its_own_time),
          cmocka_unit_test(test_forgotten_removal_still_holds),
          cmocka_unit_test(test_missed_key_is_found_behind_a_later_one),
          cmocka_unit_test(test_impossible_news_is_not_believed))
