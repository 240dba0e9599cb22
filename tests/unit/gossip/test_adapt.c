/* The pace of news follows what is measured, and does not swing with it. */
#include "../planting.h"
#include "base/log.h"
#include "gossip/measure/adapt.h"
#include "world.h"

enum { FAN_OUT_MOST = 16 };
enum { SECOND = 1000000, GOAL_US = 200000, EARLY_US = 20000, FINE_US = 100000, LATE_US = 500000 };

struct rehearsal {
    struct adapt adapt;
    uint64_t now_us;
    unsigned changes[ADAPT_SMALLER + 1];
};

/* Periods in each of which 40 pieces are heard, `late` of them late. */
static void play(struct rehearsal *rehearsal, unsigned periods, unsigned late, uint64_t others_us) {
    for (unsigned i = 0; i < periods; i++) {
        for (unsigned piece = 0; piece < 40; piece++)
            adapt_heard(&rehearsal->adapt, piece < late ? LATE_US : others_us, GOAL_US);
        rehearsal->now_us += ADAPT_PERIOD_SECONDS * SECOND;
        rehearsal->changes[adapt_run(&rehearsal->adapt, rehearsal->now_us, 1)]++;
    }
}

static struct rehearsal rehearsal_begin(void) {
    struct rehearsal rehearsal = {.now_us = SECOND};
    adapt_run(&rehearsal.adapt, rehearsal.now_us, 1);
    return rehearsal;
}

static void test_three_late_periods_make_it_faster(void **state) {
    (void)state;
    struct rehearsal rehearsal = rehearsal_begin();
    play(&rehearsal, 2, 40, FINE_US);
    assert_int_equal(rehearsal.adapt.pace, 0);
    play(&rehearsal, 1, 40, FINE_US);
    assert_int_equal(rehearsal.adapt.pace, 1);
    play(&rehearsal, 5, 40, FINE_US); /* three of rest, two late */
    assert_int_equal(rehearsal.adapt.pace, 1);
    play(&rehearsal, 1, 40, FINE_US);
    assert_int_equal(rehearsal.adapt.pace, 2);
}

/* One in twenty may be late; delays that swing around the goal, or are fine, change nothing. */
static void test_hysteresis(void **state) {
    (void)state;
    struct rehearsal rehearsal = rehearsal_begin();
    for (unsigned i = 0; i < 100; i++) {
        play(&rehearsal, 2, 40, FINE_US);
        play(&rehearsal, 1, 0, FINE_US);
    }
    play(&rehearsal, 100, 2, FINE_US);
    for (unsigned i = 0; i < 20; i++) {
        play(&rehearsal, 11, 0, EARLY_US);
        play(&rehearsal, 1, 0, FINE_US);
    }
    assert_int_equal(rehearsal.adapt.pace, 0);
    assert_int_equal(rehearsal.changes[ADAPT_FASTER] + rehearsal.changes[ADAPT_SLOWER], 0);
}

/* A goal that cannot be reached leads to the fastest pace and stays there; and back. */
static void test_pace_is_bounded(void **state) {
    (void)state;
    struct rehearsal rehearsal = rehearsal_begin();
    play(&rehearsal, 1000, 40, FINE_US);
    assert_int_equal(rehearsal.adapt.pace, ADAPT_FASTEST);
    assert_int_equal(rehearsal.changes[ADAPT_FASTER], ADAPT_FASTEST);
    play(&rehearsal, 1000, 0, EARLY_US);
    assert_int_equal(rehearsal.adapt.pace, ADAPT_SLOWEST);
    assert_int_equal(rehearsal.changes[ADAPT_SLOWER], ADAPT_FASTEST - ADAPT_SLOWEST);
}

static void test_little_news_says_nothing(void **state) {
    (void)state;
    struct rehearsal rehearsal = rehearsal_begin();
    for (unsigned i = 0; i < 100; i++) {
        for (unsigned piece = 0; piece < 7; piece++)
            adapt_heard(&rehearsal.adapt, LATE_US, GOAL_US);
        rehearsal.now_us += ADAPT_PERIOD_SECONDS * SECOND;
        assert_int_equal(adapt_run(&rehearsal.adapt, rehearsal.now_us, 1), ADAPT_NONE);
    }
}

static unsigned settled_fan_out(struct rehearsal *rehearsal, size_t member_count) {
    for (unsigned i = 0; i < 30; i++) {
        rehearsal->now_us += ADAPT_PERIOD_SECONDS * SECOND;
        adapt_run(&rehearsal->adapt, rehearsal->now_us, member_count);
    }
    return adapt_fan_out(&rehearsal->adapt, 4, 16);
}

static void test_fan_out_follows_the_size(void **state) {
    (void)state;
    struct rehearsal rehearsal = rehearsal_begin();
    assert_int_equal(settled_fan_out(&rehearsal, 3), 4);
    assert_int_equal(settled_fan_out(&rehearsal, 300), 4);
    assert_int_equal(settled_fan_out(&rehearsal, 3125), 4); /* 5^5 */
    assert_int_equal(settled_fan_out(&rehearsal, 3126), 5);
    assert_int_equal(settled_fan_out(&rehearsal, 3000), 5); /* not yet small again */
    assert_int_equal(settled_fan_out(&rehearsal, 2000), 4);
    assert_int_equal(settled_fan_out(&rehearsal, 10000), 6);
}

/* Instant relay costs CPU (cockroach #119420): even at the fastest pace news is gathered. */
static void test_news_is_gathered_at_any_pace(void **state) {
    (void)state;
    struct adapt fastest = {.pace = ADAPT_FASTEST}, slowest = {.pace = ADAPT_SLOWEST};
    assert_int_equal(adapt_pause_us(&fastest, 5000), 2000);
    assert_int_equal(adapt_pause_us(&fastest, 40000), 10000);
    assert_int_equal(adapt_pause_us(&fastest, 500), 500); /* as somebody has set it */
    assert_int_equal(adapt_pause_us(&slowest, 5000), 10000);
    assert_int_equal(adapt_fan_out(&fastest, 14, 16), 16);
    assert_int_equal(adapt_fan_out(&slowest, 2, 16), 2);
}

/* Whole clusters. */

struct tally {
    uint64_t count, sum_us;
};

static void tally_add(void *context, const struct world *world,
                      const struct gossip_propagation *news) {
    struct tally *tally = context;
    (void)world;
    tally->count++;
    tally->sum_us += news->delay_us;
}

static uint64_t mean_delay_us(struct world *world, unsigned seconds) {
    struct tally tally = {0};
    world->context = &tally;
    char value[32];
    for (unsigned i = 0; i < 4 * seconds; i++) {
        snprintf(value, sizeof value, "%llu", (unsigned long long)world->now_us);
        world_set(world, 1 + i % world->count, "load", value);
        world_run(world, SECOND / 4);
    }
    assert_true(tally.count > 0);
    return tally.sum_us / tally.count;
}

static struct gossip_counters counters_of(struct world *world, unsigned number) {
    struct gossip_counters counters;
    gossip_counters(world->nodes[number].gossip, &counters);
    return counters;
}

/* Slow links push delays beyond the goal: all nodes become faster, and news becomes faster. Pinned,
 * everything is as set at once. */
static void test_slow_links_are_made_up_for(void **state) {
    (void)state;
    struct world *world = world_new(1);
    world->on_propagation = tally_add;
    world->timing.is_adapting = true;
    world->timing.flush_us = 40000;
    world->timing.goal_us = 40000;
    world->shortest_us = 5000, world->longest_us = 10000;
    struct tally nothing;
    world->context = &nothing;
    world_add_cluster(world, 40);
    world_run(world, 30 * SECOND);
    assert_true(world_is_settled(world));
    uint64_t before_us = mean_delay_us(world, 10);
    mean_delay_us(world, 240);
    uint64_t after_us = mean_delay_us(world, 10);
    for (unsigned i = 1; i <= 40; i++) {
        struct gossip_counters counters = counters_of(world, i);
        assert_true(counters.pace > 0);
        assert_true(counters.fan_out > 4 && counters.flush_us < 40000);
        assert_int_equal(counters.adapted_faster, counters.pace + counters.adapted_slower);
        assert_true(counters.adapted_slower <= 1);
    }
    assert_true(after_us < before_us * 3 / 4);
    world->timing.is_adapting = false;
    gossip_set_timing(world->nodes[1].gossip, &world->timing);
    struct gossip_counters pinned = counters_of(world, 1);
    assert_int_equal(pinned.pace, 0);
    assert_int_equal(pinned.fan_out, 4);
    assert_int_equal(pinned.flush_us, 40000);
    world_free(world);
}

static void count_line(void *context, enum log_level level, struct bytes line) {
    static const char said[] = "pace of gossip changed";
    (void)level;
    unsigned *count = context;
    *count += memmem(line.data, line.length, said, sizeof said - 1) != NULL;
}

/* Also where the fan-out and the first pause stand at their limits, and only how soon the last ones
 * are told is still to be changed. */
static void test_every_change_is_logged_and_counted(void **state) {
    (void)state;
    unsigned lines = 0, changes = 0;
    struct log log = {.level = LOG_INFO, .sink = count_line, .context = &lines};
    struct world *world = world_new(2);
    world->log = &log;
    world->on_propagation = tally_add;
    world->timing.is_adapting = true;
    world->timing.fan_out = FAN_OUT_MOST;
    world->timing.flush_us = 2000;
    world->timing.goal_us = 10000;
    world->shortest_us = 20000, world->longest_us = 30000;
    struct tally nothing;
    world->context = &nothing;
    world_add_cluster(world, 20);
    world_run(world, 30 * SECOND);
    mean_delay_us(world, 120);
    for (unsigned i = 1; i <= 20; i++) {
        struct gossip_counters counters = counters_of(world, i);
        assert_true(counters.pace > 0);
        assert_int_equal(counters.fan_out, FAN_OUT_MOST);
        assert_int_equal(counters.flush_us, 2000);
        assert_int_equal(counters.adapted_faster - counters.adapted_slower, counters.pace);
        changes += (unsigned)(counters.adapted_faster + counters.adapted_slower +
                              counters.adapted_larger + counters.adapted_smaller);
    }
    assert_int_equal(lines, changes);
    world_free(world);
}

RUN_TESTS_OR_PLANT(cmocka_unit_test(test_three_late_periods_make_it_faster),
                   cmocka_unit_test(test_hysteresis), cmocka_unit_test(test_pace_is_bounded),
                   cmocka_unit_test(test_little_news_says_nothing),
                   cmocka_unit_test(test_fan_out_follows_the_size),
                   cmocka_unit_test(test_news_is_gathered_at_any_pace),
                   cmocka_unit_test(test_slow_links_are_made_up_for),
                   cmocka_unit_test(test_every_change_is_logged_and_counted))
