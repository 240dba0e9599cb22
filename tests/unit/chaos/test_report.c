/* The report: its numbers stand in the JSON and in the page, and no text of a scenario is markup
 * there. */
#include "../unit.h"
#include "chaos/report.h"

static const char text[] =
    "agents 4\nmessages 1/s\nat 1s loss 1% for 1s # </script>\n"
    "setting x </script>\nat 2s stop a2,a4 for 1s\nat 3s kill 1\nexpect no false deaths\n";

static void append(struct buffer *out, bool is_page) {
    static struct scenario scenario;
    static struct tally tally;
    char problem[SCENARIO_PROBLEM_BYTES];
    struct verdict verdict;
    unsigned key;
    assert_int_equal(scenario_parse(&scenario, "</script>.txt", bytes_of_text(text), problem), 0);
    tally_init(&tally, 4, scenario.length_us);
    for (unsigned i = 0; i < 4; i++)
        tally_start(&tally, i, 0);
    uint64_t number = tally_send(&tally, 0, 1000, &key);
    for (unsigned i = 1; i < 4; i++)
        tally_seen(&tally, i, number, 5000);
    tally_kill(&tally, 3, 10000);
    tally_see(&tally, 0, 3, TALLY_DEAD, 30000);
    verdict_of(&scenario.expectations[0], &scenario, &tally, &verdict);
    static const unsigned fell_on[] = {0, 0, 1, REPORT_NEVER_FELL};
    const struct report report = {.scenario = &scenario,
                                  .tally = &tally,
                                  .verdicts = &verdict,
                                  .fell_on = fell_on,
                                  .version = "1.2.3"};
    if (is_page)
        report_append_page(&report, out);
    else
        report_append_json(&report, out);
    buffer_append_u8(out, 0);
    tally_release(&tally);
}

static void test_the_json_has_the_numbers(void **state) {
    (void)state;
    struct buffer out;
    buffer_init(&out, REPORT_BYTES_MAXIMUM);
    append(&out, false);
    const char *const parts[] = {"\"agents\":4,",
                                 "\"is_ok\":true,",
                                 "\"sent\":1,\"known_to_all\":1,",
                                 "\"deaths\":[{\"agent\":\"a4\",\"at_us\":10000,\"viewers\":3,\"is_"
                                 "outlived\":false,\"all_us\":null,"
                                 "\"views_us\":[20000]}]",
                                 "\"what\":\"loss 1% for 1s\"}",
                                 "\"what\":\"stop a2,a4 for 1s\",\"wanted\":2,\"fell_on\":1}",
                                 "\"what\":\"kill 1\"}", /* the run did not come so far */
                                 "\"expect\":\"no false deaths\",\"line\":7,\"is_met\":true"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr((char *)buffer_data(&out), parts[i]) == NULL)
            fail_msg("%s is not in %s", parts[i], (char *)buffer_data(&out));
    buffer_release(&out);
}

static void test_the_page_holds_the_json_and_no_foreign_markup(void **state) {
    (void)state;
    struct buffer out;
    buffer_init(&out, REPORT_BYTES_MAXIMUM);
    append(&out, true);
    const char *page = (char *)buffer_data(&out);
    assert_non_null(strstr(page, "\"scenario\":\"\\u003c/script>.txt\""));
    unsigned ends = 0;
    for (const char *at = page; (at = strstr(at, "</script>")) != NULL; at++)
        ends++;
    assert_int_equal(ends, 2); /* the data's and the program's */
    assert_null(strstr(page, "/*REPORT*/"));
    assert_null(strstr(page, "src=")); /* loads nothing */
    buffer_release(&out);
}

RUN_TESTS(cmocka_unit_test(test_the_json_has_the_numbers),
          cmocka_unit_test(test_the_page_holds_the_json_and_no_foreign_markup))
