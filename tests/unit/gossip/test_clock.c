/* Clocks that are wrong, and what is measured in spite of them. */
#include "../planting.h"
#include "base/log.h"
#include "gossip/measure/clock_offset.h"
#include "world.h"
#include <stdlib.h>

enum { SECOND = 1000000, MILLISECOND = 1000 };

/* The other's clock shows 5 s more; 1 ms there, 2 ms held, 3 ms back. */
static const struct clock_stamps stamps = {
    .sent_us = 1000000, .answered_us = 6003000, .heard_us = 1006000, .held_us = 2000};

static void test_offset_by_four_time_stamps(void **state) {
    (void)state;
    struct clock_offset offset = {0};
    assert_false(clock_offset_is_known(&offset));
    assert_true(clock_offset_measure(&offset, &stamps));
    assert_true(clock_offset_is_known(&offset));
    assert_int_equal(offset.apart_us, 4999000); /* the ways were not equally long */
    assert_int_equal(clock_offset_error_us(&offset, stamps.heard_us), 2002);
    /* 100 parts in a million: 1 ms in ten seconds. */
    assert_int_equal(clock_offset_error_us(&offset, stamps.heard_us + 10 * SECOND), 3002);
}

/* A slow answer does not spoil what a fast one has shown, until that has become as uncertain. */
static void test_fastest_exchange_counts(void **state) {
    (void)state;
    struct clock_offset offset = {0};
    assert_true(clock_offset_measure(&offset, &stamps));
    struct clock_stamps slow = stamps;
    slow.sent_us += SECOND, slow.answered_us += SECOND + 15000, slow.heard_us += SECOND + 30000;
    assert_true(clock_offset_measure(&offset, &slow));
    assert_int_equal(offset.apart_us, 4999000);
    slow.sent_us += 200 * SECOND, slow.answered_us += 200 * SECOND, slow.heard_us += 200 * SECOND;
    assert_true(clock_offset_measure(&offset, &slow));
    assert_int_equal(offset.measured_us, slow.heard_us);
}

/* A clock that was set is believed at once, even over a slow exchange. */
static void test_clock_that_was_set_is_noticed(void **state) {
    (void)state;
    struct clock_offset offset = {0};
    assert_true(clock_offset_measure(&offset, &stamps));
    struct clock_stamps later = stamps;
    later.sent_us += SECOND, later.answered_us += 61 * (uint64_t)SECOND;
    later.heard_us += SECOND + 50 * MILLISECOND;
    assert_true(clock_offset_measure(&offset, &later));
    assert_true(llabs(offset.apart_us - 65 * SECOND) < 50 * MILLISECOND);
}

static void test_impossible_stamps_are_refused(void **state) {
    (void)state;
    struct clock_offset offset = {0};
    struct clock_stamps wrong = stamps;
    wrong.held_us = 7000; /* longer than the whole exchange took */
    assert_false(clock_offset_measure(&offset, &wrong));
    wrong = stamps;
    wrong.answered_us = 0;
    assert_false(clock_offset_measure(&offset, &wrong));
    wrong.answered_us = UINT64_MAX;
    assert_false(clock_offset_measure(&offset, &wrong));
    wrong = stamps;
    wrong.heard_us = wrong.sent_us - 1;
    assert_false(clock_offset_measure(&offset, &wrong));
    assert_false(clock_offset_is_known(&offset));
}

/* Whole clusters. */

struct heard {
    uint64_t count, by_type[GOSSIP_NEWS_TYPE_COUNT];
    uint64_t said_us; /* when the news that is on its way was said, by the world's time */
    uint64_t largest_error_us;
    uint32_t trace;
    bool has_traces; /* more than one */
};

static void hear(void *context, const struct world *world, const struct gossip_propagation *news) {
    struct heard *heard = context;
    heard->count++;
    heard->by_type[news->type]++;
    uint64_t true_us = world->now_us - heard->said_us;
    uint64_t error_us = (uint64_t)llabs((int64_t)true_us - (int64_t)news->delay_us);
    if (error_us > heard->largest_error_us)
        heard->largest_error_us = error_us;
    heard->has_traces |= heard->trace != 0 && heard->trace != news->trace;
    heard->trace = news->trace;
}

/* Eight nodes that have measured each other; every clock is wrong in its own way. */
static struct world *wrong_world(uint64_t seed, struct heard *heard) {
    struct world *world = world_new(seed);
    world->on_propagation = hear;
    world->context = heard;
    world_add_cluster(world, 8);
    for (unsigned i = 1; i <= 8; i++) {
        world->nodes[i].wall_offset_us = ((int64_t)i - 4) * 7 * SECOND;
        world->nodes[i].wall_drift_ppm = ((int64_t)i % 3 - 1) * 80;
    }
    world_run(world, 20 * SECOND);
    assert_true(world_is_settled(world));
    *heard = (struct heard){.said_us = world->now_us};
    return world;
}

/* What is told to be the delay is the true one within the round trip, though the clocks differ by
 * up to 49 s, and all nodes give the piece of news the same trace id. */
static void test_delay_is_true_in_spite_of_wrong_clocks(void **state) {
    (void)state;
    struct heard heard = {0};
    struct world *world = wrong_world(1, &heard);
    world_set(world, 1, "color", "red");
    world_run(world, 2 * SECOND);
    assert_int_equal(heard.count, 7);
    assert_int_equal(heard.by_type[GOSSIP_NEWS_STATE], 7);
    assert_true(heard.largest_error_us < 5 * MILLISECOND);
    assert_false(heard.has_traces);
    world_free(world);
}

/* How each sees the others' clocks. */
static void test_skew_is_shown_with_its_error(void **state) {
    (void)state;
    struct heard heard = {0};
    struct world *world = wrong_world(2, &heard);
    for (unsigned i = 1; i <= 8; i++)
        for (unsigned j = 1; j <= 8; j++) {
            const struct gossip_member *member = world_view(world, i, j);
            if (i == j)
                continue;
            int64_t truly_us = (int64_t)(world_wall_us(world, j) - world_wall_us(world, i));
            assert_true(member->contact->clock_error_us > 0);
            assert_true((uint64_t)llabs(truly_us - member->contact->clock_offset_us) <
                        member->contact->clock_error_us + 10 * MILLISECOND);
        }
    world_run(world, 20 * SECOND);
    struct gossip_counters counters;
    gossip_counters(world->nodes[1].gossip, &counters);
    assert_true(counters.clock_skew_us > 48 * SECOND && counters.clock_skew_us < 50 * SECOND);
    world_free(world);
}

/* Trusting a remote wall clock (valkey): one lives ten years ahead, one jumps back and forth; of
 * two values the later said one holds, nobody is called dead, nothing that is told is late. */
static void test_remote_wall_clock_decides_nothing(void **state) {
    (void)state;
    struct heard heard = {0};
    struct world *world = wrong_world(3, &heard);
    world->nodes[1].wall_offset_us = 10 * INT64_C(31536000) * SECOND;
    world_set(world, 1, "color", "blue");
    world_run(world, 100 * MILLISECOND);
    world->nodes[1].wall_offset_us = -10 * INT64_C(31536000) * SECOND;
    world_set(world, 1, "color", "red");
    for (unsigned i = 0; i < 30; i++) {
        world->nodes[2].wall_offset_us = (int64_t)(i % 2) * 3600 * SECOND;
        world_run(world, SECOND);
    }
    for (unsigned i = 1; i <= 8; i++)
        assert_true(bytes_equal(world_value(world, i, 1, "color"), bytes_of_text("red")));
    assert_true(world_is_settled(world));
    assert_int_equal(world->healthy_called_dead, 0);
    struct gossip_counters counters;
    gossip_counters(world->nodes[3].gossip, &counters);
    assert_true(counters.propagation_implausible > 0);
    /* Measured anew, it is believed again as a measure, and only as that. */
    heard = (struct heard){.said_us = world->now_us};
    world_set(world, 1, "color", "green");
    world_run(world, 2 * SECOND);
    assert_int_equal(heard.count, 7);
    assert_true(heard.largest_error_us < 5 * MILLISECOND);
    world_free(world);
}

/* The fault that the test above is for would be seen (in a build with planted faults). */
static void test_trust_in_a_wall_clock_shows(void **state) {
    (void)state;
#ifdef TROTHDB_PLANTED_FAULTS
    struct heard heard = {0};
    planted_fault_on = PLANTED_GOSSIP_WALL_CLOCK_TRUSTED;
    struct world *world = wrong_world(3, &heard);
    world_set(world, 1, "color", "blue");
    world_run(world, 100 * MILLISECOND);
    world->nodes[1].wall_offset_us -= 60 * SECOND;
    world_set(world, 1, "color", "red");
    world_run(world, 5 * SECOND);
    planted_fault_on = PLANTED_NOTHING;
    assert_true(bytes_equal(world_value(world, 2, 1, "color"), bytes_of_text("blue")));
    world_free(world);
#endif
}

/* News that came through an old node has no time, and is counted as such. */
static void test_undated_news_is_not_measured(void **state) {
    (void)state;
    struct heard heard = {0};
    struct world *world = world_new(4);
    world->on_propagation = hear;
    world->context = &heard;
    world_add(world);
    world->is_next_old = true;
    world_seed(world, world_add(world)->number, 1);
    world->is_next_old = false;
    world_seed(world, world_add(world)->number, 2);
    world_cut(world, 1, 3), world_cut(world, 3, 1); /* 3 hears all through 2 */
    world_run(world, 5 * SECOND);
    struct gossip_counters before, after;
    gossip_counters(world->nodes[3].gossip, &before);
    heard = (struct heard){0};
    world_set(world, 1, "color", "red");
    world_run(world, SECOND);
    assert_true(bytes_equal(world_value(world, 3, 1, "color"), bytes_of_text("red")));
    gossip_counters(world->nodes[3].gossip, &after);
    assert_true(after.propagation_undated > before.propagation_undated);
    assert_int_equal(heard.by_type[GOSSIP_NEWS_STATE], 0);
    world_free(world);
}

/* A newcomer gets what was said long ago: that is no delay. */
static void test_copy_of_the_state_is_not_late(void **state) {
    (void)state;
    struct heard heard = {0};
    struct world *world = wrong_world(5, &heard);
    world_set(world, 1, "color", "red");
    world_run(world, 60 * SECOND);
    world_seed(world, world_add(world)->number, 1);
    world_run(world, 20 * SECOND);
    assert_true(bytes_equal(world_value(world, 9, 1, "color"), bytes_of_text("red")));
    assert_int_equal(heard.by_type[GOSSIP_NEWS_STATE], 7);
    assert_int_equal(heard.by_type[GOSSIP_NEWS_MENDED], 0);
    world_free(world);
}

static void count_slow(void *context, enum log_level level, struct bytes line) {
    unsigned *count = context;
    const char *text = "news heard";
    *count += level == LOG_INFO && memmem(line.data, line.length, text, strlen(text)) != NULL;
}

/* News that takes longer than the goal is worth a line with its trace id, but not each piece. */
static void test_slow_news_is_told_of(void **state) {
    (void)state;
    unsigned count = 0;
    struct log log = {.level = LOG_INFO, .sink = count_slow, .context = &count};
    struct world *world = world_new(7);
    world->log = &log;
    world_add_cluster(world, 4);
    world_run(world, 10 * SECOND);
    assert_int_equal(count, 0);
    world->shortest_us = world->longest_us = 30 * MILLISECOND;
    world->timing.goal_us = 20 * MILLISECOND;
    for (unsigned i = 1; i <= 4; i++)
        gossip_set_timing(world->nodes[i].gossip, &world->timing);
    for (unsigned i = 0; i < 20; i++) {
        char value[16];
        snprintf(value, sizeof value, "%u", i);
        world_set(world, 1, "color", value);
        world_run(world, SECOND / 5);
    }
    assert_in_range(count, 1, 3); /* one of each who heard */
    world_free(world);
}

/* A death is dated by who said so. */
static void test_way_of_a_death_is_measured(void **state) {
    (void)state;
    struct heard heard = {0};
    struct world *world = wrong_world(6, &heard);
    world_kill(world, 8);
    world_run(world, 30 * SECOND);
    assert_true(heard.by_type[GOSSIP_NEWS_SUSPICION] > 0);
    assert_true(heard.by_type[GOSSIP_NEWS_DEATH] > 0);
    world_free(world);
}

/* How long a death took to be seen is measured by those who were in touch until then. Others accuse
 * as well, and had last heard of it who knows when: of sixty, half a minute ago. */
static void test_detection_is_measured_by_its_observers(void **state) {
    (void)state;
    struct world *world = world_new(7);
    world_add_cluster(world, 60);
    world_run(world, 40 * SECOND);
    for (unsigned i = 2; i <= 16; i++) {
        world_kill(world, i);
        world_run(world, 10 * SECOND);
    }
    assert_in_range(world->detection_count, 3, 50); /* of fifteen: not always by one of them */
    assert_in_range(world->longest_detection_us, SECOND, 4 * SECOND);
    world_free(world);
}

RUN_TESTS_OR_PLANT(cmocka_unit_test(test_offset_by_four_time_stamps),
                   cmocka_unit_test(test_fastest_exchange_counts),
                   cmocka_unit_test(test_clock_that_was_set_is_noticed),
                   cmocka_unit_test(test_impossible_stamps_are_refused),
                   cmocka_unit_test(test_delay_is_true_in_spite_of_wrong_clocks),
                   cmocka_unit_test(test_skew_is_shown_with_its_error),
                   cmocka_unit_test(test_remote_wall_clock_decides_nothing),
                   cmocka_unit_test(test_trust_in_a_wall_clock_shows),
                   cmocka_unit_test(test_undated_news_is_not_measured),
                   cmocka_unit_test(test_copy_of_the_state_is_not_late),
                   cmocka_unit_test(test_slow_news_is_told_of),
                   cmocka_unit_test(test_way_of_a_death_is_measured),
                   cmocka_unit_test(test_detection_is_measured_by_its_observers))
