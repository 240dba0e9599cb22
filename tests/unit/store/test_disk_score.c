/* The disk's score: smoothed, measured against the disk's own healthy days, and in no hurry to
 * change its mind. */
#include "../unit.h"
#include "store/wal/disk_score.h"

enum { FLOOR_US = 10000 };

static void note(struct disk_score *score, unsigned count, uint64_t round_us) {
    for (unsigned i = 0; i < count; i++)
        disk_score_note(score, &(struct disk_round){.took_us = round_us}, FLOOR_US);
}

static bool is_slow(const struct disk_score *score) {
    return disk_score_is_slow(score, 0, FLOOR_US);
}

static void test_follows_what_is_measured(void **state) {
    (void)state;
    struct disk_score score;
    disk_score_init(&score);
    assert_int_equal(disk_score_us(&score, 0), 0);
    note(&score, 1, 500);
    assert_int_equal(disk_score_us(&score, 0), 500);
    note(&score, 100, 900);
    assert_int_equal(disk_score_us(&score, 0), 900);
    assert_int_equal(disk_score_us(&score, 5000), 5000);
}

/* One round of 50 ms among rounds of half a millisecond is a hiccup. */
static void test_one_hiccup_is_not_slow(void **state) {
    (void)state;
    struct disk_score score;
    disk_score_init(&score);
    note(&score, 1000, 500);
    note(&score, 1, 50000);
    assert_false(is_slow(&score));
    note(&score, 5, 500);
    assert_true(disk_score_us(&score, 0) < 5000);
}

/* However long it was: a score that the length of one round decided would take many rounds to
 * forget it, and where rounds are rare that is a long time. */
static void test_nor_is_one_of_any_length(void **state) {
    (void)state;
    for (uint64_t hiccup_us = 100000; hiccup_us <= 100000000; hiccup_us *= 10) {
        struct disk_score score;
        disk_score_init(&score);
        note(&score, 1000, 500);
        note(&score, 1, hiccup_us);
        assert_false(is_slow(&score));
        assert_true(disk_score_us(&score, 0) > hiccup_us / 10); /* it is told, all the same */
    }
}

/* A disk that became 20 ms slower is slow within ten rounds, stays so, and is healthy again soon
 * after it is. */
static void test_twenty_milliseconds_more_are_slow(void **state) {
    (void)state;
    struct disk_score score;
    disk_score_init(&score);
    note(&score, 1000, 500);
    note(&score, 10, 20500);
    assert_true(is_slow(&score));
    note(&score, 100000, 20500);
    assert_true(is_slow(&score));
    note(&score, 20, 500);
    assert_false(is_slow(&score));
}

/* Between the two thresholds nothing changes: no flapping. */
static void test_keeps_its_mind_between_the_thresholds(void **state) {
    (void)state;
    struct disk_score score;
    disk_score_init(&score);
    note(&score, 1000, 500);
    note(&score, 100, 8000);
    assert_false(is_slow(&score));
    note(&score, 30, 20000);
    assert_true(is_slow(&score));
    note(&score, 100, 8000);
    assert_true(is_slow(&score));
    note(&score, 100, 4000);
    assert_false(is_slow(&score));
}

/* A log to which little is written: its last rounds were slow ones, and when it is written to again
 * the disk is well. */
static void test_what_was_measured_long_ago_says_nothing(void **state) {
    (void)state;
    struct disk_score score;
    disk_score_init(&score);
    note(&score, 1000, 500);
    note(&score, 5, 30000);
    assert_true(is_slow(&score));
    disk_score_note(&score, &(struct disk_round){.took_us = 500, .idle_us = 4999999}, FLOOR_US);
    assert_true(is_slow(&score));
    disk_score_note(&score, &(struct disk_round){.took_us = 500, .idle_us = 5000000}, FLOOR_US);
    assert_false(is_slow(&score));
    assert_in_range(disk_score_us(&score, 0), 500, 510);
}

/* A disk that always took 15 ms is not slow by its own standards. */
static void test_is_measured_against_itself(void **state) {
    (void)state;
    struct disk_score score;
    disk_score_init(&score);
    note(&score, 1000, 15000);
    assert_false(is_slow(&score));
    note(&score, 40, 70000);
    assert_true(is_slow(&score));
}

/* A round that does not come back is not waited for before the disk is called slow. */
static void test_a_round_that_hangs_is_slow(void **state) {
    (void)state;
    struct disk_score score;
    disk_score_init(&score);
    note(&score, 1000, 500);
    assert_false(disk_score_is_slow(&score, 4 * FLOOR_US, FLOOR_US));
    assert_true(disk_score_is_slow(&score, 4 * FLOOR_US + 1, FLOOR_US));
}

/* A round of 2 MB in 20 ms is much data, not a slow disk; of 2 KB it is. */
static void test_much_data_takes_longer(void **state) {
    (void)state;
    assert_int_equal(disk_score_excess_us(20000, 2048), 20000 - 16);
    assert_in_range(disk_score_excess_us(20000, 2 << 20), 1, FLOOR_US / 2);
    assert_int_equal(disk_score_excess_us(1000, 2 << 20), 0);
}

RUN_TESTS(cmocka_unit_test(test_follows_what_is_measured),
          cmocka_unit_test(test_one_hiccup_is_not_slow),
          cmocka_unit_test(test_nor_is_one_of_any_length),
          cmocka_unit_test(test_twenty_milliseconds_more_are_slow),
          cmocka_unit_test(test_keeps_its_mind_between_the_thresholds),
          cmocka_unit_test(test_what_was_measured_long_ago_says_nothing),
          cmocka_unit_test(test_is_measured_against_itself),
          cmocka_unit_test(test_a_round_that_hangs_is_slow),
          cmocka_unit_test(test_much_data_takes_longer))
