/* Where nodes lie, and that what is told stays near without making an island of any zone. */
#include "../unit.h"
#include "gossip/instance/instance.h"
#include "gossip/measure/coordinate.h"
#include "gossip/news/nearness.h"
#include "world.h"
#include <math.h>

enum { SECOND = 1000000 };

/* Sixteen nodes in a square of 50 ms, each with a way of its own into the core: after some hundred
 * measurements each with everybody, most round trips are predicted within a tenth. */
static void test_coordinates_predict_round_trips(void **state) {
    (void)state;
    enum { NODES = 16, ROUNDS = 300 };
    struct random random;
    random_init(&random, 1);
    double x[NODES], y[NODES], height[NODES];
    struct coordinate at[NODES];
    for (unsigned i = 0; i < NODES; i++) {
        x[i] = random_unit(&random) * 50000;
        y[i] = random_unit(&random) * 50000;
        height[i] = 500 + random_unit(&random) * 5000;
        coordinate_init(&at[i]);
    }
    unsigned good = 0, bad = 0;
    for (unsigned round = 0; round <= ROUNDS; round++)
        for (unsigned i = 0; i < NODES; i++)
            for (unsigned j = 0; j < NODES; j++) {
                double true_us = hypot(x[i] - x[j], y[i] - y[j]) + height[i] + height[j];
                double error = fabs(coordinate_round_trip_us(&at[i], &at[j]) - true_us) / true_us;
                if (i == j)
                    continue;
                if (round == ROUNDS)
                    *(error < 0.1 ? &good : &bad) += 1;
                coordinate_update(&at[i], &at[j], (uint64_t)true_us, &random);
            }
    assert_true(good > 9 * bad);
}

static bool parses(const char *text) {
    struct coordinate coordinate;
    return coordinate_parse(&coordinate, bytes_of_text(text));
}

/* What was printed is read back; everything else is none. */
static void test_coordinate_as_text(void **state) {
    (void)state;
    struct coordinate from = {.at = {-12, 0, 59999999, 1}, .height = 77, .error = 0.25}, to;
    char text[COORDINATE_TEXT_MAXIMUM];
    struct bytes printed = coordinate_print(&from, text);
    assert_true(bytes_equal(printed, BYTES_LITERAL("-12,0,59999999,1,77,250")));
    assert_true(coordinate_parse(&to, printed));
    assert_true(coordinate_moved_us(&from, &to) < 0.001);
    assert_true(parses("1,2,3,4,5,6"));
    assert_false(parses(""));
    assert_false(parses("1,2,3,4,5"));
    assert_false(parses("1,2,3,4,5,6,"));
    assert_false(parses("1,2,3,4,5,6,7"));
    assert_false(parses("1,2,,4,5,6"));
    assert_false(parses("1,2,-,4,5,6"));
    assert_false(parses("1,2,3,4,5,nan"));
    assert_false(parses("1,2,3,4,5,60000001"));
    assert_false(parses("1,2,3,4,5,6000000000000"));
}

/* A measurement that nobody can have made moves nobody. */
static void test_absurd_measurements_are_ignored(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 1);
    struct coordinate own, before, other = {.at = {6e7, -6e7, 6e7, 6e7}, .height = 6e7};
    coordinate_init(&own);
    before = own;
    coordinate_update(&own, &other, 0, &random);
    coordinate_update(&own, &other, UINT64_MAX, &random);
    assert_memory_equal(&own, &before, sizeof own);
    for (unsigned i = 0; i < 10000; i++)
        coordinate_update(&own, &other, 1 + random_below(&random, 60000000), &random);
    assert_true(isfinite(own.at[0]) && isfinite(own.height) && isfinite(own.error));
}

static struct world *world_of_two_zones(uint64_t seed, unsigned count, bool is_said) {
    struct world *world = world_new(seed);
    world->far_us = 20000;
    world->timing.says_coordinate = true;
    for (unsigned i = 1; i <= count; i++) {
        struct world_node *node = world_add(world);
        node->zone = i % 2;
        world_seed(world, i, 1);
        if (is_said)
            world_set(world, i, GOSSIP_KEY_ZONE, i % 2 ? "odd" : "even");
    }
    assert_true(world_run_until(world, 20 * SECOND, world_is_settled));
    world_run(world, 10 * SECOND);
    return world;
}

/* Any node can tell the round trip of any two others: 42 ms between zones, 2 ms within one. */
static void test_round_trip_between_any_two(void **state) {
    (void)state;
    struct world *world = world_of_two_zones(201, 12, false);
    world_run(world, 120 * SECOND);
    const struct gossip *gossip = world->nodes[12].gossip;
    uint64_t far_us, near_us, again_us, error_us;
    assert_true(
        gossip_round_trip_us(gossip, world_view(world, 12, 1), world_view(world, 12, 2), &far_us));
    assert_true(
        gossip_round_trip_us(gossip, world_view(world, 12, 1), world_view(world, 12, 3), &near_us));
    assert_true(nearness_estimate(gossip, member_behind(world_view(world, 12, 1)),
                                  member_behind(world_view(world, 12, 2)), &again_us, &error_us));
    assert_int_equal(again_us, far_us);
    assert_in_range(far_us, 30000, 55000);
    assert_in_range(near_us, 1, 15000);
    assert_true(error_us < far_us);
    world_free(world);
}

/* How often all have said something, wherever it was: each saying is a version. */
static uint64_t said_by_all(const struct world *world) {
    uint64_t count = 0;
    for (unsigned i = 1; i <= world->count; i++)
        count += world->nodes[i].gossip->self->chain->version;
    return count;
}

/* Digests that always differ (chitchat, Cassandra): coordinates that have come to rest are hardly
 * ever news, and nobody lists them among what members say. Each node looks at its own twenty to
 * forty times in ten minutes; where delays vary by half the whole drifts a little, and so it says
 * it anew once or twice at the most. */
static void test_coordinates_come_to_rest(void **state) {
    (void)state;
    enum { NODES = 12, SAID_BY_EACH = 2 };
    for (uint64_t seed = 201; seed < 205; seed++) {
        struct world *world = world_of_two_zones(seed, NODES, false);
        world_run(world, 600 * SECOND);
        uint64_t before = said_by_all(world);
        world_run(world, 600 * SECOND);
        assert_in_range(said_by_all(world) - before, 0, SAID_BY_EACH * NODES);
        for (unsigned i = 1; i <= NODES; i++)
            assert_int_equal(world_key_count(world, i, 1), 0);
        world_free(world);
    }
}

static unsigned spread_turn;

static bool all_know_the_turn(struct world *world) {
    char value[16];
    snprintf(value, sizeof value, "%u", spread_turn);
    for (unsigned i = 1; i <= world->count; i++)
        if (!bytes_equal(world_value(world, i, 1, "color"), bytes_of_text(value)))
            return false;
    return true;
}

/* Thirty changes; the slowest spread. */
static uint64_t slowest_spread_us(struct world *world) {
    uint64_t slowest_us = 0;
    for (spread_turn = 1; spread_turn <= 30; spread_turn++) {
        char value[16];
        snprintf(value, sizeof value, "%u", spread_turn);
        uint64_t before_us = world->now_us;
        world_set(world, 1, "color", value);
        assert_true(world_run_until(world, 3 * SECOND, all_know_the_turn));
        if (world->now_us - before_us > slowest_us)
            slowest_us = world->now_us - before_us;
        world_run(world, SECOND);
    }
    return slowest_us;
}

/* Sixty nodes in two zones 20 ms apart: where they say their zones, less than a third of the news
 * crosses over, yet each change soon does, and is known to all in a tenth of a second. */
static void test_news_stays_near_and_no_zone_is_an_island(void **state) {
    (void)state;
    struct world *world = world_of_two_zones(203, 60, true);
    world_run(world, 10 * SECOND);
    world->news_count = world->far_news_count = 0;
    assert_in_range(slowest_spread_us(world), 20000, 100000);
    assert_in_range(world->far_news_count * 100 / world->news_count, 10, 33);
    world_free(world);
}

static uint64_t far_percent(struct world *world, unsigned far_one_in) {
    struct gossip_timing timing = world->timing;
    timing.far_one_in = far_one_in;
    world_set_timing(world, &timing);
    world->news_count = world->far_news_count = 0;
    slowest_spread_us(world);
    return world->far_news_count * 100 / world->news_count;
}

/* How much crosses over may be set: hardly anything, or all that is told by lot. */
static void test_how_much_goes_far_is_set(void **state) {
    (void)state;
    struct world *world = world_of_two_zones(206, 60, true);
    world_run(world, 10 * SECOND);
    assert_in_range(far_percent(world, GOSSIP_FAR_ONE_IN_MAXIMUM), 1, 8);
    assert_in_range(far_percent(world, 1), 40, 100);
    world_free(world);
}

/* Without zones the nearer is preferred, and still nobody is out of reach. */
static void test_news_prefers_the_nearer(void **state) {
    (void)state;
    struct world *world = world_of_two_zones(204, 60, false);
    world_run(world, 200 * SECOND);
    world->news_count = world->far_news_count = 0;
    assert_in_range(slowest_spread_us(world), 20000, 100000);
    assert_in_range(world->far_news_count * 100 / world->news_count, 10, 45);
    world_free(world);
}

/* Each of three nodes is the only one of its zone, and has nobody next to it there. What the first
 * telling did not reach is told on all the same, and does not wait for the next ping. */
static void test_the_only_one_of_a_zone_tells_on(void **state) {
    (void)state;
    static const char *const zones[] = {"a", "b", "c"};
    for (uint64_t seed = 210; seed < 220; seed++) {
        struct world *world = world_new(seed);
        for (unsigned i = 1; i <= 3; i++) {
            world_add(world);
            world_seed(world, i, 1);
            world_set(world, i, GOSSIP_KEY_ZONE, zones[i - 1]);
        }
        assert_true(world_run_until(world, 20 * SECOND, world_is_settled));
        struct gossip_timing timing = world->timing;
        timing.probe_interval_us = 10 * SECOND;
        world_set_timing(world, &timing);
        world_run(world, 60 * SECOND);
        world->nodes[3].misses_news = true;
        world_set(world, 1, "color", "red");
        world_run(world, 12000);
        world->nodes[3].misses_news = false;
        world_run(world, SECOND / 10);
        assert_true(bytes_equal(world_value(world, 3, 1, "color"), BYTES_LITERAL("red")));
        world_free(world);
    }
}

enum { CUT_OFF = 3 };

static void count_suspicions_of_cut_off(void *context, struct world_node *node,
                                        const struct gossip_change *change) {
    (void)node;
    *(unsigned *)context += change->kind == GOSSIP_CHANGE_STATE &&
                            change->member->state == GOSSIP_SUSPECT &&
                            change->member->who->uuid[15] == CUT_OFF;
}

/* What hinders a whole zone says nothing of who it cannot reach: forty nodes of zone "a" get no
 * datagram through to one of the four of zone "b", and in two minutes nobody suspects it, for each
 * prober asks at least one helper of another zone than its own. */
static void test_one_helper_is_of_another_zone(void **state) {
    (void)state;
    enum { FEW = 4, NODES = 44 };
    struct world *world = world_new(205);
    for (unsigned i = 1; i <= NODES; i++) {
        world_add(world);
        world_seed(world, i, 1);
        world_set(world, i, GOSSIP_KEY_ZONE, i <= FEW ? "b" : "a");
    }
    assert_true(world_run_until(world, 20 * SECOND, world_is_settled));
    world_run(world, 10 * SECOND);
    unsigned suspicions = 0;
    world->on_change = count_suspicions_of_cut_off;
    world->context = &suspicions;
    for (unsigned i = FEW + 1; i <= NODES; i++)
        world_cut(world, i, CUT_OFF);
    world_run(world, 120 * SECOND);
    struct gossip_counters counters;
    uint64_t relayed = 0;
    for (unsigned i = FEW + 1; i <= NODES; i++) {
        gossip_counters(world->nodes[i].gossip, &counters);
        relayed += counters.probes_relayed;
    }
    assert_true(relayed > 0);
    assert_int_equal(suspicions, 0);
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_coordinates_predict_round_trips),
          cmocka_unit_test(test_coordinate_as_text),
          cmocka_unit_test(test_absurd_measurements_are_ignored),
          cmocka_unit_test(test_round_trip_between_any_two),
          cmocka_unit_test(test_coordinates_come_to_rest),
          cmocka_unit_test(test_news_stays_near_and_no_zone_is_an_island),
          cmocka_unit_test(test_how_much_goes_far_is_set),
          cmocka_unit_test(test_news_prefers_the_nearer),
          cmocka_unit_test(test_the_only_one_of_a_zone_tells_on),
          cmocka_unit_test(test_one_helper_is_of_another_zone))
