/* What a run measures: whom a message and a death are waited for from, which accusations are false,
 * and when all views are right. */
#include "../unit.h"
#include "chaos/verdict.h"

enum { AGENTS = 5 };

static const uint64_t SECOND = 1000000;
static const uint64_t LATER = 60000000; /* long after they began: nobody is excused any more */

static struct tally tally;

static void begin(void) {
    tally_init(&tally, AGENTS, 120 * SECOND);
    for (unsigned i = 0; i < AGENTS; i++)
        tally_start(&tally, i, 0);
    for (unsigned viewer = 0; viewer < AGENTS; viewer++)
        for (unsigned target = 0; target < AGENTS; target++)
            tally_see(&tally, viewer, target, TALLY_ALIVE, 0);
}

static void end(void) { tally_release(&tally); }

static double news_share(uint64_t within_us) {
    return tally_share_value(tally_share_of_news(&tally, within_us));
}

static double death_share(uint64_t within_us) {
    return tally_share_value(tally_share_of_deaths(&tally, within_us));
}

static void test_news_is_known_when_all_have_seen_it(void **state) {
    (void)state;
    unsigned key;
    begin();
    uint64_t number = tally_send(&tally, 0, LATER, &key);
    for (unsigned viewer = 1; viewer < AGENTS; viewer++)
        tally_seen(&tally, viewer, number, LATER + viewer * 1000);
    tally_seen(&tally, 2, number, LATER + 9000000); /* again: not news */
    assert_int_equal(tally.news_views.count, 4);
    assert_int_equal(tally.news_known.count, 1);
    assert_int_equal(tally.news_known.maximum, 4000);
    assert_true(news_share(4000) == 1);
    assert_true(news_share(3999) == 0);
    end();
}

static void test_who_ends_or_is_stopped_is_waited_for_no_longer(void **state) {
    (void)state;
    unsigned key;
    begin();
    uint64_t number = tally_send(&tally, 0, LATER, &key);
    tally_seen(&tally, 1, number, LATER + 1000);
    tally_kill(&tally, 2, LATER + 1500);
    tally_stop(&tally, 3, LATER + 1600);
    assert_int_equal(tally.news_known_count, 0);
    tally_seen(&tally, 4, number, LATER + 2000);
    assert_int_equal(tally.news_known_count, 1);
    assert_int_equal(tally.news_known.maximum, 2000);
    end();
}

static void test_what_nobody_could_know_does_not_count(void **state) {
    (void)state;
    unsigned key;
    const uint64_t end_us = 120 * SECOND;
    begin();
    tally_send(&tally, 4, LATER, &key);
    tally_kill(&tally, 4, LATER + 10); /* told nobody */
    assert_int_equal(tally.orphan_count, 1);
    tally_send(&tally, 0, end_us - 5000, &key);
    assert_int_equal(tally_share_of_news(&tally, 5001).count, 0); /* its time is not over */
    assert_int_equal(tally_share_of_news(&tally, 5000).count, 1);
    assert_int_equal(tally_share_of_news(&tally, 5000).in_time, 0);
    uint64_t heard = tally_send(&tally, 0, end_us - 4000, &key);
    for (unsigned viewer = 1; viewer < 4; viewer++)
        tally_seen(&tally, viewer, heard, end_us - 3000);
    assert_int_equal(tally_share_of_news(&tally, 5000).count, 1); /* had it not been, who knows? */
    assert_int_equal(tally_share_of_news(&tally, 4000).count, 2);
    assert_int_equal(tally_share_of_news(&tally, 4000).in_time, 1);
    end();
}

static void test_a_newer_message_stands_for_those_it_took_the_place_of(void **state) {
    (void)state;
    unsigned key, first_key;
    begin();
    uint64_t first = tally_send(&tally, 0, LATER, &first_key), last = first;
    for (unsigned i = 0; i < TALLY_KEY_COUNT; i++)
        last = tally_send(&tally, 0, LATER + 1000, &key);
    assert_int_equal(key, first_key);
    for (unsigned viewer = 1; viewer < AGENTS; viewer++)
        tally_seen(&tally, viewer, last, LATER + 5000);
    assert_int_equal(tally.news_known_count, 2);
    assert_int_equal(tally.messages[first].known_us, LATER + 5000);
    end();
}

static void test_a_death_is_known_when_all_hold_it_for_dead(void **state) {
    (void)state;
    begin();
    tally_kill(&tally, 4, LATER);
    tally_see(&tally, 0, 4, TALLY_SUSPECT, LATER + 1 * SECOND);
    for (unsigned viewer = 0; viewer < 4; viewer++)
        tally_see(&tally, viewer, 4, TALLY_DEAD, LATER + (2 + viewer) * SECOND);
    assert_int_equal(tally.deaths[0].known_us, LATER + 5 * SECOND);
    assert_int_equal(tally.deaths[0].views_us[1], 3 * SECOND);
    assert_true(death_share(5 * SECOND) == 1);
    assert_true(death_share(5 * SECOND - 1) == 0);
    assert_int_equal(tally.false_accusations + tally.false_deaths, 0);
    assert_int_equal(tally.accusations, 1);
    end();
}

/* Who comes back soon is not waited for as one of the dead: nobody will call it dead any more. */
static void test_a_death_that_is_outlived_shows_nothing(void **state) {
    (void)state;
    begin();
    tally_kill(&tally, 4, LATER);
    tally_see(&tally, 0, 4, TALLY_DEAD, LATER + 1 * SECOND);
    tally_start(&tally, 4, LATER + 2 * SECOND);
    for (unsigned viewer = 0; viewer < 4; viewer++)
        tally_see(&tally, viewer, 4, TALLY_ALIVE, LATER + 3 * SECOND);
    assert_int_equal(tally_share_of_deaths(&tally, 5 * SECOND).count, 0);
    assert_true(tally.deaths[0].known_us == TALLY_NEVER);
    tally_kill(&tally, 4, LATER + 10 * SECOND); /* once more, and for good */
    for (unsigned viewer = 0; viewer < 4; viewer++)
        tally_see(&tally, viewer, 4, TALLY_DEAD, LATER + 12 * SECOND);
    assert_int_equal(tally_share_of_deaths(&tally, 5 * SECOND).count, 1);
    assert_int_equal(tally_share_of_deaths(&tally, 5 * SECOND).in_time, 1);
    end();
}

static void test_who_accuses_a_healthy_agent_is_wrong(void **state) {
    (void)state;
    begin();
    tally_see(&tally, 0, 3, TALLY_SUSPECT, LATER);
    tally_see(&tally, 1, 3, TALLY_SUSPECT, LATER + 1); /* repeats it */
    tally_see(&tally, 0, 3, TALLY_DEAD, LATER + 2);
    tally_see(&tally, 0, 3, TALLY_ALIVE, LATER + 3);
    tally_see(&tally, 1, 3, TALLY_ALIVE, LATER + 3);
    tally_see(&tally, 1, 3, TALLY_SUSPECT, LATER + 4); /* once more */
    assert_int_equal(tally.false_accusations, 2);
    assert_int_equal(tally.false_deaths, 1);
    assert_int_equal(tally.falsehoods[0].viewer, 0);
    assert_int_equal(tally.falsehoods[0].target, 3);
    end();
}

static void test_who_was_disturbed_may_be_accused_for_a_while(void **state) {
    (void)state;
    begin();
    tally_disturb(&tally, 3);
    tally_disturb(&tally, 3);
    tally_calm(&tally, 3, LATER);
    tally_see(&tally, 0, 3, TALLY_SUSPECT, LATER + 10 * TALLY_GRACE_US);
    tally_see(&tally, 0, 3, TALLY_ALIVE, LATER + 10 * TALLY_GRACE_US);
    assert_int_equal(tally.false_accusations, 0); /* one disturbance was under way still */
    tally_calm(&tally, 3, 2 * LATER);
    tally_see(&tally, 0, 3, TALLY_SUSPECT, 2 * LATER + TALLY_GRACE_US - 1);
    tally_see(&tally, 0, 3, TALLY_ALIVE, 2 * LATER + TALLY_GRACE_US - 1);
    assert_int_equal(tally.false_accusations, 0);
    tally_see(&tally, 0, 3, TALLY_SUSPECT, 2 * LATER + TALLY_GRACE_US);
    assert_int_equal(tally.false_accusations, 1);
    end();
}

static void test_all_views_are_right_when_they_fit_the_lives(void **state) {
    (void)state;
    begin();
    assert_int_equal(tally_wrong_views(&tally, 1000), 0);
    assert_int_equal(tally.whole_since_us, 1000);
    tally_kill(&tally, 4, 2000);
    assert_int_equal(tally_wrong_views(&tally, 3000), 4);
    assert_true(tally.whole_since_us == TALLY_NEVER);
    for (unsigned viewer = 0; viewer < 4; viewer++)
        tally_see(&tally, viewer, 4, TALLY_DEAD, 4000);
    assert_int_equal(tally_wrong_views(&tally, 5000), 0);
    assert_int_equal(tally_wrong_views(&tally, 9000), 0);
    assert_int_equal(tally.whole_since_us, 5000);
    end();
}

static void test_load_is_by_agent_and_second(void **state) {
    (void)state;
    begin();
    tally_load(&tally, &(struct tally_load){.from_us = 0,
                                            .to_us = 2 * SECOND,
                                            .agent_count = 5,
                                            .messages = 20,
                                            .bytes = 5000,
                                            .cpu_us = 10000,
                                            .resident_bytes = 500,
                                            .resident_most_bytes = 120});
    assert_int_equal(tally_bytes_per_second(&tally), 500);
    assert_int_equal(tally_messages_per_second_milli(&tally), 2000);
    assert_int_equal(tally_cpu_ppm(&tally), 1000);
    assert_int_equal(tally_resident_most_bytes(&tally), 120);
    end();
}

static struct verdict verdict_for(const char *text) {
    static struct scenario scenario;
    char problem[SCENARIO_PROBLEM_BYTES];
    struct verdict verdict;
    assert_int_equal(scenario_parse(&scenario, "x", bytes_of_text(text), problem), 0);
    verdict_of(&scenario.expectations[0], &scenario, &tally, &verdict);
    return verdict;
}

static void test_verdicts(void **state) {
    (void)state;
    begin();
    tally_kill(&tally, 4, LATER);
    for (unsigned viewer = 0; viewer < 4; viewer++)
        tally_see(&tally, viewer, 4, TALLY_DEAD, LATER + 2 * SECOND);
    assert_true(verdict_for("expect deaths within 2s").is_met);
    assert_false(verdict_for("expect deaths within 1s").is_met);
    assert_string_equal(verdict_for("expect deaths within 1s").said,
                        "the only death was known to all after 2.000 s");
    assert_true(verdict_for("expect no false accusations").is_met);
    tally_see(&tally, 0, 1, TALLY_SUSPECT, LATER);
    assert_false(verdict_for("expect no false accusations").is_met);
    assert_string_equal(verdict_for("expect no false accusations").said,
                        "1 false accusation or death");
    assert_true(verdict_for("expect at most 1 false accusations").is_met);
    assert_true(verdict_for("expect no false deaths").is_met);
    assert_false(verdict_for("expect whole within 1s").is_met);
    tally_see(&tally, 0, 1, TALLY_ALIVE, LATER);
    tally_wrong_views(&tally, LATER + 3 * SECOND);
    assert_false(verdict_for("at 60s kill 1\nexpect whole within 2s").is_met);
    assert_true(verdict_for("at 60s kill 1\nexpect whole within 3s").is_met);
    end();
}

static struct verdict verdict_cut(const char *text) {
    static struct scenario scenario;
    char problem[SCENARIO_PROBLEM_BYTES];
    struct verdict verdict;
    assert_int_equal(scenario_parse(&scenario, "x", bytes_of_text(text), problem), 0);
    verdict_of(&scenario.expectations[0], &scenario, &tally, &verdict);
    assert_true(verdict.is_known);
    verdict_cut_short(&scenario.expectations[0], &verdict);
    assert_false(verdict.is_met);
    return verdict;
}

/* Where nothing happened that could have failed, nothing is met. */
static void test_what_shows_nothing_meets_nothing(void **state) {
    (void)state;
    unsigned key;
    begin();
    struct verdict none = verdict_for("expect deaths within 1s");
    assert_false(none.is_met || none.is_known);
    assert_string_equal(none.said, "there was no death");
    assert_false(verdict_for("expect news within 1s").is_known);
    tally_send(&tally, 0, LATER, &key); /* nobody ever hears it */
    struct verdict late = verdict_for("expect 5% of news within 2m");
    assert_false(late.is_met || late.is_known);
    assert_string_equal(
        late.said, "of 1 messages none shows it: each came too late, or ended before all knew");
    struct verdict unmeasured = verdict_for("expect memory below 8mb");
    assert_false(unmeasured.is_met || unmeasured.is_known);
    assert_false(verdict_for("expect traffic below 2kb/s").is_known);
    struct verdict missed = verdict_for("expect 5% of news within 10s");
    assert_true(missed.is_known);
    assert_false(missed.is_met);
    end();
}

/* A run that is interrupted has met nothing: only what is too much already is known. */
static void test_verdicts_of_a_run_that_was_cut_short(void **state) {
    (void)state;
    begin();
    unsigned key;
    tally_send(&tally, 2, LATER, &key);
    tally_see(&tally, 0, 1, TALLY_SUSPECT, LATER);
    assert_false(verdict_cut("expect no false deaths").is_known);
    assert_false(verdict_cut("expect news within 1s").is_known);
    assert_false(verdict_cut("expect whole within 1s").is_known);
    assert_true(verdict_cut("expect no false accusations").is_known);
    assert_false(verdict_cut("expect at most 1 false accusations").is_known);
    end();
}

RUN_TESTS(cmocka_unit_test(test_news_is_known_when_all_have_seen_it),
          cmocka_unit_test(test_who_ends_or_is_stopped_is_waited_for_no_longer),
          cmocka_unit_test(test_what_nobody_could_know_does_not_count),
          cmocka_unit_test(test_a_newer_message_stands_for_those_it_took_the_place_of),
          cmocka_unit_test(test_a_death_is_known_when_all_hold_it_for_dead),
          cmocka_unit_test(test_a_death_that_is_outlived_shows_nothing),
          cmocka_unit_test(test_who_accuses_a_healthy_agent_is_wrong),
          cmocka_unit_test(test_who_was_disturbed_may_be_accused_for_a_while),
          cmocka_unit_test(test_all_views_are_right_when_they_fit_the_lives),
          cmocka_unit_test(test_load_is_by_agent_and_second), cmocka_unit_test(test_verdicts),
          cmocka_unit_test(test_what_shows_nothing_meets_nothing),
          cmocka_unit_test(test_verdicts_of_a_run_that_was_cut_short))
