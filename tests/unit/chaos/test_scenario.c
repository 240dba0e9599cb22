/* Scenario files: what their lines mean, and what is said of lines that mean nothing. */
#include "../unit.h"
#include "chaos/scenario.h"

static struct scenario parsed;
static char problem[SCENARIO_PROBLEM_BYTES];

static const struct scenario *parse(const char *text) {
    int error = scenario_parse(&parsed, "x.txt", bytes_of_text(text), problem);
    if (error)
        fail_msg("%s", problem);
    return &parsed;
}

static void test_a_whole_scenario(void **state) {
    (void)state;
    const struct scenario *scenario = parse("# Deaths in a noisy place.\n"
                                            "agents 50\n"
                                            "setting gossip-flush-ms 10\n"
                                            "messages 100/s   # all the time\n"
                                            "at 10s kill 1\n"
                                            "at 20s loss 20% for 10s\n"
                                            "\n"
                                            "expect deaths within 3s\r\n"
                                            "expect 95% of news within 500ms");
    assert_int_equal(scenario->agent_count, 50);
    assert_int_equal(scenario->step_count, 3);
    assert_int_equal(scenario->length_us, 40000000); /* 10 s behind the last */
    assert_string_equal(scenario->settings[0].name, "gossip-flush-ms");
    assert_string_equal(scenario->settings[0].value, "10");
    assert_int_equal(scenario->steps[0].act, SCENARIO_MESSAGES);
    assert_true(scenario->steps[0].rate == 100);
    assert_int_equal(scenario_step_end_us(scenario, &scenario->steps[0]), 40000000);
    assert_int_equal(scenario->steps[1].act, SCENARIO_KILL);
    assert_int_equal(scenario->steps[1].at_us, 10000000);
    assert_int_equal(scenario->steps[1].who.count, 1);
    assert_int_equal(scenario_step_end_us(scenario, &scenario->steps[1]), 10000000);
    assert_true(scenario->steps[2].share == 0.2);
    assert_int_equal(scenario_step_end_us(scenario, &scenario->steps[2]), 30000000);
    assert_string_equal(scenario->steps[2].text, "loss 20% for 10s");
    assert_int_equal(scenario->expectations[0].subject, SCENARIO_DEATHS);
    assert_int_equal(scenario->expectations[0].within_us, 3000000);
    assert_true(scenario->expectations[0].share == 1);
    assert_int_equal(scenario->expectations[1].subject, SCENARIO_NEWS);
    assert_true(scenario->expectations[1].share == 0.95);
    assert_string_equal(scenario->expectations[1].text, "95% of news within 500ms");
}

static void test_who(void **state) {
    (void)state;
    const struct scenario *scenario = parse("cut a3 > a7,a9-a12 for 1s\n"
                                            "cut 2 <> 3 for 1s\n"
                                            "delay 5ms..30ms on 4 for 1s\n"
                                            "stop a1 for 1s every 4s\n");
    assert_true(scenario->steps[0].is_one_way);
    assert_int_equal(scenario->steps[0].who.ranges[0].first, 3);
    assert_int_equal(scenario->steps[0].other.range_count, 2);
    assert_int_equal(scenario->steps[0].other.ranges[1].first, 9);
    assert_int_equal(scenario->steps[0].other.ranges[1].last, 12);
    assert_false(scenario->steps[1].is_one_way);
    assert_int_equal(scenario->steps[1].other.count, 3);
    assert_int_equal(scenario->steps[2].who.count, 4);
    assert_int_equal(scenario->steps[2].longest_us, 30000);
    assert_int_equal(scenario->steps[3].every_us, 4000000);
    assert_int_equal(scenario_step_end_us(scenario, &scenario->steps[3]), scenario->length_us);
}

static void test_splits_and_churn(void **state) {
    (void)state;
    const struct scenario *scenario = parse("agents 50\nsplit 25/20/5 for 30s\n"
                                            "split 30%/70% for 30s\n"
                                            "churn 2/s join-kill for 20s\nlasts 1m");
    assert_int_equal(scenario->steps[0].part_count, 3);
    assert_true(scenario->steps[0].parts[2] == 5);
    assert_true(scenario->steps[1].has_shares);
    assert_true(scenario->steps[1].parts[1] == 0.7);
    assert_true(scenario->steps[2].is_deadly);
    assert_int_equal(scenario->length_us, 60000000);
}

static void test_expectations(void **state) {
    (void)state;
    const struct scenario *scenario = parse("expect no false accusations\n"
                                            "expect at most 2 false deaths\n"
                                            "expect whole within 15s\n"
                                            "expect memory below 6mb\n"
                                            "expect traffic below 5kb/s\n");
    const struct scenario_expectation *expectation = scenario->expectations;
    assert_int_equal(expectation[0].subject, SCENARIO_FALSE_ACCUSATIONS);
    assert_int_equal(expectation[0].at_most, 0);
    assert_int_equal(expectation[1].subject, SCENARIO_FALSE_DEATHS);
    assert_int_equal(expectation[1].at_most, 2);
    assert_int_equal(expectation[2].within_us, 15000000);
    assert_int_equal(expectation[3].at_most, 6 << 20);
    assert_int_equal(expectation[4].at_most, 5 << 10);
}

static void refuse(const char *text, const char *expected) {
    assert_int_equal(scenario_parse(&parsed, "x.txt", bytes_of_text(text), problem), ERR_INVALID);
    assert_string_equal(problem, expected);
}

static void test_bad_lines_are_told(void **state) {
    (void)state;
    refuse("agents 5\nkil 1",
           "x.txt:2: 'kil' is no statement: write agents, lasts, setting, expect, or a step: "
           "kill, leave, join, restart, stop, cut, split, loss, delay, duplicate, churn, messages");
    refuse("agents 1", "x.txt:1: '1' is no number here: write one from 2 to 2000");
    refuse("at soon kill 1", "x.txt:1: 'soon' is no time: write one such as 500ms, 10s or 2m");
    refuse("kill", "x.txt:1: '' names no agents: write how many (by lot), or which, such as a3 or "
                   "a1,a4-a6");
    refuse("kill a4-a2", "x.txt:1: 'a4-a2' names no agents: write how many (by lot), or which, "
                         "such as a3 or a1,a4-a6");
    refuse("loss 20", "x.txt:1: '20' is no share: write one from 0% to 100%, such as 20%");
    refuse("delay 9ms..5ms", "x.txt:1: '9ms..5ms' is no delay: write one such as 5ms or 5ms..30ms");
    refuse("messages 9", "x.txt:1: '9' is no rate: write one such as 2/s, at most 10000/s");
    refuse("messages -9/s", "x.txt:1: '-9/s' is no rate: write one such as 2/s, at most 10000/s");
    refuse("messages nan/s", "x.txt:1: 'nan/s' is no rate: write one such as 2/s, at most 10000/s");
    refuse("cut a1 a2", "x.txt:1: write > (one way) or <> (both ways) between the agents, such as "
                        "cut a3 > a7");
    refuse("split 25", "x.txt:1: '25' is no split: write two parts or more, such as 25/25 or "
                       "30%/70%");
    refuse("split 10/50%", "x.txt:1: '10/50%' is no split: write two parts or more, such as 25/25 "
                           "or 30%/70%");
    refuse("stop 1", "x.txt:1: how long is missing: write `for` and a time, such as stop 5 for 1s");
    refuse("kill 1 for 3s", "x.txt:1: that does not last: take `for` away");
    refuse("loss 1% for 3s every 2s", "x.txt:1: it comes again before it is over: write a longer "
                                      "time behind `every`");
    refuse("loss 1% now", "x.txt:1: 'now' is too much there: take it away");
    refuse("setting x", "x.txt:1: a setting has a name and a value: write one such as setting "
                        "gossip-flush-ms 10");
    refuse("kill \x01", "x.txt:1: a character that is not plain text stands there: write letters, "
                        "digits and signs");
}

static void test_what_is_said_twice_is_told(void **state) {
    (void)state;
    refuse("agents 5\nlasts 10s\n\nagents 50",
           "x.txt:4: 'agents' is said in line 1 already: take one of them away");
    refuse("agents 5\nagents 5",
           "x.txt:2: 'agents' is said in line 1 already: take one of them away");
    refuse("agents 5\nlasts 10s # short\nlasts 20s",
           "x.txt:3: 'lasts' is said in line 2 already: take one of them away");
    refuse("setting a-b 1\nsetting a 2\nsetting a-b 3",
           "x.txt:3: 'a-b' is said in line 1 already: take one of them away");
}

static void test_bad_expectations_are_told(void **state) {
    (void)state;
    refuse("expect", "x.txt:1: '' cannot be expected: write news or deaths");
    refuse("expect deaths", "x.txt:1: a time is missing: write `within` and the time, such as "
                            "within 3s");
    refuse("expect 95% news within 1s", "x.txt:1: write `of news` or `of deaths` behind the share");
    refuse("expect no accusations", "x.txt:1: what there should be none of is missing: write "
                                    "`false accusations` or `false deaths`");
    refuse("expect traffic below 5kb", "x.txt:1: '5kb' is no size here: write one such as 6mb/s");
    refuse("expect memory 5mb", "x.txt:1: a size is missing: write `below` and the size, such as "
                                "below 6mb");
}

static void test_it_has_to_hold_together(void **state) {
    (void)state;
    refuse("agents 5\nkill a6", "x.txt:2: there is no a6: agents are a1 to a5");
    refuse("agents 5\nstop 6 for 1s", "x.txt:2: there are only 5 agents: write a smaller number");
    refuse("agents 5\nsplit 2/2 for 1s", "x.txt:2: the parts are 4 agents together, and there are "
                                         "5: write parts of all, or shares such as 50%/50%");
    refuse("agents 5\ncut a1-a3 > a3,a4",
           "x.txt:2: a3 is on both sides of the cut: name it on one");
    refuse("agents 5\ncut 3 <> 3",
           "x.txt:2: the sides are 6 agents together, and there are 5: write "
           "smaller numbers");
    refuse("lasts 0s",
           "x.txt:1: a time of nothing makes no sense there: write one such as 10s or 2m");
    refuse("setting zone a\nsetting port 7001",
           "x.txt:2: 'port' is set for each agent by chaos itself: "
           "take the line away");
    refuse("split 50%/40% for 1s", "x.txt:1: the parts are 90% together: write 100%");
    refuse("lasts 5s\nat 3s loss 1% for 3s", "x.txt:2: it is not over when the scenario ends: "
                                             "write a longer `lasts`, or an earlier time");
    refuse("agents 1999\njoin 1\nat 5s join 1",
           "x.txt:3: with it there are 2001 agents, and at most 2000 can be: let fewer join");
    assert_int_equal(scenario_agents_ever(parse("agents 5\njoin 2 every 4s\nchurn 2/s for 3s")),
                     5 + 4 * 2 + 7);
    parse("agents 5\njoin 2\nat 5s kill a7"); /* who joined has a name as well */
    parse("agents 5\nkill a5");               /* until somebody asks for fewer */
    parsed.agent_count = 4;
    assert_int_equal(scenario_check(&parsed, problem), ERR_INVALID);
    assert_string_equal(problem, "x.txt:2: there is no a5: agents are a1 to a4");
}

static void test_what_is_too_much(void **state) {
    (void)state;
    char text[SCENARIO_STEP_MAXIMUM * 8 + 16] = "";
    for (unsigned i = 0; i <= SCENARIO_STEP_MAXIMUM; i++)
        memcpy(text + i * 7, "kill 1\n", 8);
    refuse(text, "x.txt:257: too many steps: at most 256");
    static char line[SCENARIO_LINE_BYTES + 8];
    memset(line, 'x', sizeof line - 1);
    refuse(line, "x.txt:1: the line is too long: at most 255 characters");
}

RUN_TESTS(cmocka_unit_test(test_a_whole_scenario), cmocka_unit_test(test_who),
          cmocka_unit_test(test_splits_and_churn), cmocka_unit_test(test_expectations),
          cmocka_unit_test(test_bad_lines_are_told),
          cmocka_unit_test(test_what_is_said_twice_is_told),
          cmocka_unit_test(test_bad_expectations_are_told),
          cmocka_unit_test(test_it_has_to_hold_together), cmocka_unit_test(test_what_is_too_much))
