/* Durations and shares as people write them: what is read, what is shown, what is refused. */
#include "../unit.h"
#include "base/text/quantity.h"

static void test_durations(void **state) {
    (void)state;
    const struct {
        const char *text;
        uint64_t us;
        const char *back;
    } good[] = {{"0", 0, "0s"},
                {"250us", 250, "250us"},
                {"5ms", 5000, "5ms"},
                {"1.5s", 1500000, "1500ms"},
                {"0.25s", 250000, "250ms"},
                {"90s", 90000000, "90s"},
                {"2m", 120000000, "2m"},
                {"24h", 86400000000, "24h"}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint64_t us = 1;
        char back[QUANTITY_TEXT_BYTES];
        assert_int_equal(quantity_parse_duration(bytes_of_text(good[i].text), &us), 0);
        assert_int_equal(us, good[i].us);
        assert_string_equal(quantity_format_duration(us, back), good[i].back);
    }
}

static void test_no_durations(void **state) {
    (void)state;
    const char *const bad[] = {
        "",    "s",    "5",     "1.",     "1.s", ".5s",      "-1s",
        "1 s", "1sec", "1..5s", "1.2.3s", "1S",  "9999999h", "1000000000000000000000s"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t us = 7;
        assert_int_equal(quantity_parse_duration(bytes_of_text(bad[i]), &us), ERR_INVALID);
        assert_int_equal(us, 7);
    }
}

static void test_sizes(void **state) {
    (void)state;
    uint64_t bytes = 1;
    assert_int_equal(quantity_parse_bytes(BYTES_LITERAL("512"), &bytes), 0);
    assert_int_equal(bytes, 512);
    assert_int_equal(quantity_parse_bytes(BYTES_LITERAL("1.5kb"), &bytes), 0);
    assert_int_equal(bytes, 1536);
    assert_int_equal(quantity_parse_bytes(BYTES_LITERAL("6mb"), &bytes), 0);
    assert_int_equal(bytes, 6 << 20);
    const char *const bad[] = {"", "mb", "6 mb", "6MB", "-6mb", "6mb/s", "99999999gb"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(quantity_parse_bytes(bytes_of_text(bad[i]), &bytes), ERR_INVALID);
}

static void test_shares(void **state) {
    (void)state;
    double share = -1;
    assert_int_equal(quantity_parse_share(BYTES_LITERAL("20%"), &share), 0);
    assert_true(share == 0.2);
    assert_int_equal(quantity_parse_share(BYTES_LITERAL("0.5%"), &share), 0);
    assert_true(share == 0.005);
    const char *const bad[] = {"", "%", "20", "101%", "-1%", "20 %", "20%%", "0.2.0%"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(quantity_parse_share(bytes_of_text(bad[i]), &share), ERR_INVALID);
}

RUN_TESTS(cmocka_unit_test(test_durations), cmocka_unit_test(test_no_durations),
          cmocka_unit_test(test_sizes), cmocka_unit_test(test_shares))
