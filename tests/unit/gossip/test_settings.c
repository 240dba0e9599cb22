/* Settings that are changed while nodes run: each takes effect at once, in both directions. */
#include "../unit.h"
#include "gossip/detect/detect_room.h"
#include "gossip/detect/relay.h"
#include "gossip/detect/suspicion.h"
#include "gossip/members/chain.h"
#include "gossip/news/news.h"
#include "made_up.h"

enum { SECOND = 1000000, MINUTE = 60 * SECOND, NODES = 30, MEMBERS = 19 };

static struct world *settled_world(uint64_t seed, unsigned count) {
    struct world *world = world_new(seed);
    world_add_cluster(world, count);
    assert_true(world_run_until(world, 20 * SECOND, world_is_settled));
    return world;
}

static void name_it(unsigned number, uint8_t uuid[GOSSIP_UUID_BYTES]) {
    memset(uuid, 0xcc, GOSSIP_UUID_BYTES);
    uuid[0] = (uint8_t)number;
}

/* Node 1, and members that nobody runs. */
static struct world *made_up_world(void) {
    struct world *world = world_new(1);
    world_add(world);
    made_up_announce(world, 1, MEMBERS, name_it);
    return world;
}

static uint64_t sum_of_probes(const struct world *world) {
    uint64_t sum = 0;
    for (unsigned i = 1; i <= world->count; i++) {
        struct gossip_counters counters;
        gossip_counters(world->nodes[i].gossip, &counters);
        sum += counters.probes_sent;
    }
    return sum;
}

/* Each watches so many, one on each ring: what it probes follows the number, up and down. */
static void test_observers(void **state) {
    (void)state;
    static const unsigned numbers[] = {4, 8, 1, 4};
    struct world *world = settled_world(501, NODES);
    struct gossip_timing timing = world->timing;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        timing.observers = numbers[i];
        world_set_timing(world, &timing);
        world_run(world, 5 * SECOND);
        uint64_t before = sum_of_probes(world);
        world_run(world, 10 * SECOND);
        uint64_t expected = (uint64_t)NODES * 10 * (2 + numbers[i]); /* two a second by lot */
        /* Of the same member on two rings only one is probed, and turns are shifted. */
        assert_in_range(sum_of_probes(world) - before, expected * 7 / 10, expected * 13 / 10);
    }
    assert_int_equal(world->healthy_called_dead, 0);
    world_free(world);
}

/* Half of the nodes watch one each, the others eight. All see who dies, and nobody else is called
 * dead. */
static void test_observers_may_differ(void **state) {
    (void)state;
    struct world *world = settled_world(502, NODES);
    for (unsigned i = 1; i <= NODES; i++) {
        struct gossip_timing timing = world->timing;
        timing.observers = i % 2 == 0 ? 1 : GOSSIP_OBSERVERS_MAXIMUM;
        gossip_set_timing(world->nodes[i].gossip, &timing);
    }
    world->loss = 0.2;
    for (unsigned victim = 10; victim < 14; victim++) {
        world_run(world, 20 * SECOND);
        world_kill(world, victim);
    }
    world_run(world, 10 * SECOND);
    for (unsigned victim = 10; victim < 14; victim++)
        assert_true(world_all_believe(world, victim, GOSSIP_DEAD));
    assert_int_equal(world->healthy_called_dead, 0);
    world_free(world);
}

/* Whom it watched on a ring that is given up it does not look at any more; and who is watched on a
 * new one is the next before it there. */
static void test_rings_come_and_go(void **state) {
    (void)state;
    struct world *world = made_up_world();
    struct gossip *gossip = world->nodes[1].gossip;
    struct gossip_timing timing = world->timing;
    for (timing.observers = 8; timing.observers >= 1; timing.observers--) {
        gossip_set_timing(gossip, &timing);
        assert_int_equal(gossip->detect->ring_count, timing.observers);
        for (unsigned ring = 0; ring < GOSSIP_OBSERVERS_MAXIMUM; ring++) {
            const struct watch *watch = &gossip->detect->watches[ring];
            bool is_used = ring < timing.observers;
            assert_true((watch->member != NULL) == is_used);
            assert_true((watch->next_us != GOSSIP_NEVER) == is_used);
        }
    }
    world_free(world);
}

/* One that answers nobody is tried through so many. */
static void test_helpers(void **state) {
    (void)state;
    struct world *world = made_up_world();
    struct gossip *gossip = world->nodes[1].gossip;
    struct gossip_timing timing = world->timing;
    struct member *helpers[GOSSIP_HELPERS_MAXIMUM];
    assert_int_equal(relay_choose(gossip, gossip_live(gossip, 0), helpers), GOSSIP_HELPERS);
    for (timing.helpers = 8; timing.helpers >= 1; timing.helpers--) {
        gossip_set_timing(gossip, &timing);
        assert_int_equal(relay_choose(gossip, gossip_live(gossip, 0), helpers), timing.helpers);
    }
    world_free(world);
}

/* A node that is sicker than it may be any more is as sick as it may be. */
static void test_local_health_maximum(void **state) {
    (void)state;
    struct world *world = made_up_world();
    struct gossip *gossip = world->nodes[1].gossip;
    struct gossip_timing timing = world->timing;
    local_health_change(gossip, 100);
    assert_int_equal(gossip->counters.local_health, GOSSIP_LOCAL_HEALTH);
    timing.local_health_maximum = 2;
    gossip_set_timing(gossip, &timing);
    assert_int_equal(gossip->counters.local_health, 2);
    local_health_change(gossip, 100);
    assert_int_equal(gossip->counters.local_health, 2);
    timing.local_health_maximum = GOSSIP_LOCAL_HEALTH_MAXIMUM;
    gossip_set_timing(gossip, &timing);
    local_health_change(gossip, 100);
    assert_int_equal(gossip->counters.local_health, GOSSIP_LOCAL_HEALTH_MAXIMUM);
    world_free(world);
}

/* So often a key is told that nobody has heard of: of twenty members, whose number has five bits,
 * 3 + 7, 3 + 15 and 3 + 2 times. */
static void test_tellings(void **state) {
    (void)state;
    static const unsigned rows[][2] = {{150, 10}, {300, 18}, {50, 5}};
    struct world *world = made_up_world();
    struct gossip *gossip = world->nodes[1].gossip;
    struct gossip_timing timing = world->timing;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        timing.tellings_percent = rows[i][0];
        gossip_set_timing(gossip, &timing);
        uint64_t before = gossip->counters.news_told[GOSSIP_REST];
        char value[] = {(char)('a' + i), 0};
        world_set_class(world, 1, "key", value, GOSSIP_REST);
        world_run(world, 3 * SECOND);
        assert_int_equal(gossip->counters.news_told[GOSSIP_REST] - before, rows[i][1]);
    }
    world_free(world);
}

/* The dead are remembered as long as is set, from then on; but not so short that some may not have
 * heard of the death yet: here a suspicion that nobody confirms is two seconds, and ten times as
 * long is kept in any case. */
static void test_graves(void **state) {
    (void)state;
    struct world *world = settled_world(503, 5);
    struct gossip_timing timing = world->timing;
    world_kill(world, 5);
    world_run(world, 20 * MINUTE);
    assert_true(world_all_believe(world, 5, GOSSIP_DEAD));
    timing.grave_us = 30 * (uint64_t)MINUTE;
    world_set_timing(world, &timing);
    world_run(world, MINUTE);
    assert_true(world_all_believe(world, 5, GOSSIP_DEAD));
    timing.grave_us = 10 * (uint64_t)MINUTE;
    world_set_timing(world, &timing);
    world_run(world, 1000);
    for (unsigned i = 1; i <= 4; i++)
        assert_null(world_view(world, i, 5));
    timing.grave_us = 1;
    world_set_timing(world, &timing);
    world_kill(world, 4);
    world_run(world, 15 * SECOND);
    assert_true(world_all_believe(world, 4, GOSSIP_DEAD));
    world_run(world, 30 * SECOND);
    for (unsigned i = 1; i <= 3; i++)
        assert_null(world_view(world, i, 4));
    world_free(world);
}

/* Half of the nodes forget the dead after a minute, the others after a day: they differ about who
 * is remembered, and about nothing else; nobody brings the dead back, nor compares for ever. */
static void test_graves_may_differ(void **state) {
    (void)state;
    struct world *world = settled_world(504, 20);
    for (unsigned i = 1; i <= 20; i += 2) {
        struct gossip_timing timing = world->timing;
        timing.grave_us = MINUTE;
        gossip_set_timing(world->nodes[i].gossip, &timing);
    }
    world_kill(world, 20);
    world_kill(world, 19);
    world_run(world, 5 * (uint64_t)MINUTE);
    uint64_t digests = world->digest_count;
    world_run(world, 5 * (uint64_t)MINUTE);
    assert_int_equal(world->digest_count, digests);
    assert_true(world_is_settled(world));
    for (unsigned dead = 19; dead <= 20; dead++)
        for (unsigned i = 1; i <= 18; i++)
            assert_true(i % 2 == 1 ? world_view(world, i, dead) == NULL
                                   : world_is_state(world, i, dead, GOSSIP_DEAD));
    assert_int_equal(world->healthy_called_dead, 0);
    world_free(world);
}

/* A removed key is marked for so long, and then gone for all by the floor; who stood aside takes
 * what is left anew, and has not kept the removed one. */
static void test_removals(void **state) {
    (void)state;
    struct world *world = settled_world(505, 4);
    const struct member *self = world->nodes[1].gossip->self;
    struct gossip_timing timing = world->timing;
    world_set(world, 1, "color", "red");
    world_set(world, 1, "size", "9");
    world_run(world, SECOND);
    world_split(world, 3);
    world_set(world, 1, "color", "");
    world_run(world, 2 * MINUTE);
    assert_int_equal(self->chain->floor, 0);
    timing.removal_us = MINUTE;
    world_set_timing(world, &timing);
    world_run(world, 11 * SECOND);
    assert_true(self->chain->floor > 0);
    assert_true(world_value(world, 4, 1, "color").length > 0);
    world_heal(world);
    world_run(world, 30 * SECOND);
    assert_true(world_all_know(world, 1, "color", "") && world_all_know(world, 1, "size", "9"));
    world_free(world);
}

/* A seed at which nobody was for half an hour is tried every ten minutes as that is set; set to a
 * second, whoever is there by now is found at once. */
static void test_back_off(void **state) {
    (void)state;
    struct world *world = world_new(506);
    struct gossip_timing timing = world->timing;
    timing.back_off_us = 10 * (uint64_t)MINUTE;
    world_set_timing(world, &timing);
    world_add(world);
    world_add(world);
    world_kill(world, 2);
    world_seed(world, 1, 2);
    world_run(world, 30 * (uint64_t)MINUTE);
    world_start(world, 2);
    world_run(world, 30 * SECOND);
    assert_false(world_is_settled(world));
    timing.back_off_us = SECOND;
    world_set_timing(world, &timing);
    assert_true(world_run_until(world, 2 * SECOND, world_is_settled));
    world_free(world);
}

/* The same for two that have buried each other, and whose only seed is gone. */
static void test_back_off_of_graves(void **state) {
    (void)state;
    struct world *world = world_new(507);
    struct gossip_timing timing = world->timing;
    timing.back_off_us = 10 * (uint64_t)MINUTE;
    world_set_timing(world, &timing);
    for (unsigned i = 1; i <= 3; i++)
        world_add(world);
    world_seed(world, 1, 3);
    world_seed(world, 2, 3);
    assert_true(world_run_until(world, 5 * SECOND, world_is_settled));
    world_kill(world, 3);
    world_split(world, 1);
    world_run(world, 60 * (uint64_t)MINUTE);
    world_heal(world);
    world_run(world, 30 * SECOND);
    assert_false(world_is_settled(world));
    timing.back_off_us = SECOND;
    world_set_timing(world, &timing);
    assert_true(world_run_until(world, 3 * SECOND, world_is_settled));
    world_free(world);
}

/* A node without anything to do for a minute is told to probe every half second: the time that has
 * passed since it last had something to do is no lag of its own. */
static void test_a_shorter_interval_is_no_lag(void **state) {
    (void)state;
    struct gossip_options options = {.uuid = {1},
                                     .generation = 1,
                                     .address = {.host = "10.0.0.1", .port = 7000},
                                     .timing = {.probe_interval_us = MINUTE,
                                                .probe_timeout_us = SECOND / 5,
                                                .suspicion_factor = 4},
                                     .now_us = SECOND};
    struct gossip *gossip = gossip_new(&options);
    struct gossip_event tick = {.kind = GOSSIP_TICK, .now_us = SECOND};
    struct gossip_actions actions;
    gossip_step(gossip, &tick, &actions);
    while (actions.deadline_us < tick.now_us + 10 * SECOND) {
        tick.now_us = actions.deadline_us;
        gossip_step(gossip, &tick, &actions);
    }
    options.timing.probe_interval_us = SECOND / 2;
    gossip_set_timing(gossip, &options.timing);
    tick.now_us = actions.deadline_us - SECOND;
    gossip_step(gossip, &tick, &actions);
    assert_int_equal(gossip->counters.local_health, 0);
    assert_in_range(actions.deadline_us, tick.now_us, tick.now_us + SECOND / 2);
    gossip_free(gossip);
}

RUN_TESTS(cmocka_unit_test(test_observers), cmocka_unit_test(test_a_shorter_interval_is_no_lag),
          cmocka_unit_test(test_observers_may_differ), cmocka_unit_test(test_rings_come_and_go),
          cmocka_unit_test(test_helpers), cmocka_unit_test(test_local_health_maximum),
          cmocka_unit_test(test_tellings), cmocka_unit_test(test_graves),
          cmocka_unit_test(test_graves_may_differ), cmocka_unit_test(test_removals),
          cmocka_unit_test(test_back_off), cmocka_unit_test(test_back_off_of_graves))
