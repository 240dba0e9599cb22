/* Times are smoothed as RFC 6298 says, and one entry is timed at a time. */
#include "../unit.h"

#include "raft/parts/stopwatch.h"

static void test_the_first_time_is_the_mean_and_half_of_it_the_deviation(void **state) {
    (void)state;
    struct raft_stopwatch watch = {0};
    raft_stopwatch_start(&watch, 5, 1000);
    raft_stopwatch_land(&watch, 5, 1800);
    assert_int_equal(watch.mean_us, 800);
    assert_int_equal(watch.deviation_us, 400);
}

static void test_an_eighth_of_what_is_new_counts(void **state) {
    (void)state;
    struct raft_stopwatch watch = {.mean_us = 800, .deviation_us = 400};
    raft_stopwatch_start(&watch, 6, 10000);
    raft_stopwatch_land(&watch, 6, 11600);
    assert_int_equal(watch.mean_us, 900);
    assert_int_equal(watch.deviation_us, 500);
}

static void test_what_is_steady_stays(void **state) {
    (void)state;
    struct raft_stopwatch watch = {.mean_us = 800, .deviation_us = 64};
    for (raft_index index = 1; index < 100; index++) {
        raft_stopwatch_start(&watch, index, 0);
        raft_stopwatch_land(&watch, index, 800);
    }
    assert_int_equal(watch.mean_us, 800);
    assert_in_range(watch.deviation_us, 0, 3);
}

static void test_one_entry_is_timed_at_a_time(void **state) {
    (void)state;
    struct raft_stopwatch watch = {0};
    raft_stopwatch_start(&watch, 5, 1000);
    raft_stopwatch_start(&watch, 6, 1500);
    raft_stopwatch_land(&watch, 4, 1700); /* not yet */
    assert_int_equal(watch.mean_us, 0);
    raft_stopwatch_land(&watch, 6, 2000); /* beyond it: it landed as well */
    assert_int_equal(watch.mean_us, 1000);
    raft_stopwatch_land(&watch, 7, 9000); /* nothing is timed */
    assert_int_equal(watch.mean_us, 1000);
}

/* 0 would say that nothing was timed yet. */
static void test_no_time_at_all_counts_as_the_least(void **state) {
    (void)state;
    struct raft_stopwatch watch = {0};
    raft_stopwatch_start(&watch, 5, 1000);
    raft_stopwatch_land(&watch, 5, 1000);
    assert_int_equal(watch.mean_us, 1);
}

RUN_TESTS(cmocka_unit_test(test_the_first_time_is_the_mean_and_half_of_it_the_deviation),
          cmocka_unit_test(test_an_eighth_of_what_is_new_counts),
          cmocka_unit_test(test_what_is_steady_stays),
          cmocka_unit_test(test_one_entry_is_timed_at_a_time),
          cmocka_unit_test(test_no_time_at_all_counts_as_the_least))
