/* Log lines: logfmt or JSON, whatever text they hold, bounded, and on the day that the clock says.
 * */
#include "../unit.h"
#include "base/log.h"

struct capture {
    char text[LOG_LINE_MAXIMUM + 1];
    size_t length, line_count;
    uint64_t now_ms;
};

static void capture_line(void *context, enum log_level level, struct bytes line) {
    (void)level;
    struct capture *capture = context;
    assert_true(line.length <= LOG_LINE_MAXIMUM);
    memcpy(capture->text, line.data, line.length);
    capture->text[line.length] = '\0';
    capture->length = line.length;
    capture->line_count++;
}

static uint64_t capture_now(void *context) { return ((struct capture *)context)->now_ms; }

static void test_a_line_is_logfmt(void **state) {
    (void)state;
    struct capture capture = {.line_count = 0};
    struct log log = {.level = LOG_INFO, .sink = capture_line, .context = &capture};
    log_line(&log, LOG_INFO, "leader elected", LOG_F("shard", 3), LOG_T("peer", "10.0.0.1:17001"),
             LOG_T("why", "a \"b\"\n"), LOG_T("none", ""), LOG_S("code", -5));
    assert_string_equal(capture.text,
                        "level=info msg=\"leader elected\" shard=3 peer=10.0.0.1:17001 "
                        "why=\"a \\\"b\\\"\\n\" none=\"\" code=-5\n");
    log_line(&log, LOG_WARN, "alone");
    assert_string_equal(capture.text, "level=warn msg=alone\n");
}

static void test_a_line_is_json(void **state) {
    (void)state;
    struct capture capture = {.now_ms = 1709164800123};
    struct log log = {.level = LOG_DEBUG,
                      .is_json = true,
                      .now_ms = capture_now,
                      .sink = capture_line,
                      .context = &capture};
    log_line(&log, LOG_ERROR, "tab\there", LOG_F("term", UINT64_MAX),
             LOG_T("key", "h\xc3\xb6\xff"));
    assert_string_equal(capture.text, "{\"time\":\"2024-02-29T00:00:00.123Z\",\"level\":\"error\","
                                      "\"msg\":\"tab\\u0009here\",\"term\":18446744073709551615,"
                                      "\"key\":\"h\xc3\xb6\\ufffd\"}\n");
}

static void test_times_are_calendar_times(void **state) {
    (void)state;
    static const struct {
        uint64_t now_ms;
        const char *text;
    } cases[] = {{0, "time=1970-01-01T00:00:00.000Z"},
                 {951782399999, "time=2000-02-28T23:59:59.999Z"},
                 {951782400000, "time=2000-02-29T00:00:00.000Z"},
                 {4107542400000, "time=2100-03-01T00:00:00.000Z"},
                 {1735689599000, "time=2024-12-31T23:59:59.000Z"}};
    struct capture capture = {.now_ms = 0};
    struct log log = {.now_ms = capture_now, .sink = capture_line, .context = &capture};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        capture.now_ms = cases[i].now_ms;
        log_line(&log, LOG_INFO, "x");
        assert_memory_equal(capture.text, cases[i].text, strlen(cases[i].text));
    }
}

static void test_lines_below_the_level_are_dropped(void **state) {
    (void)state;
    struct capture capture = {.line_count = 0};
    struct log log = {.level = LOG_WARN, .sink = capture_line, .context = &capture};
    log_line(&log, LOG_INFO, "dropped");
    log_line(NULL, LOG_ERROR, "no log at all");
    assert_int_equal(capture.line_count, 0);
    log_line(&log, LOG_WARN, "kept");
    assert_int_equal(capture.line_count, 1);
}

/* A text longer than the line is cut, and what is left is still one well-formed line. */
static void test_a_long_line_is_cut_but_closed(void **state) {
    (void)state;
    char text[3 * LOG_LINE_MAXIMUM];
    memset(text, '"', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct capture capture = {.line_count = 0};
    struct log log = {.sink = capture_line, .context = &capture, .is_json = true};
    log_line(&log, LOG_INFO, text, LOG_T("more", text), LOG_F("number", 1));
    assert_string_equal(capture.text + capture.length - 4, "\"\"}\n");
    assert_int_equal(strlen(capture.text), capture.length);
    log.is_json = false;
    memset(text, 'x', sizeof text - 1);
    log_line(&log, LOG_INFO, text, LOG_F("number", 1));
    assert_int_equal(capture.text[capture.length - 1], '\n');
    assert_null(memchr(capture.text, '\n', capture.length - 1));
}

RUN_TESTS(cmocka_unit_test(test_a_line_is_logfmt), cmocka_unit_test(test_a_line_is_json),
          cmocka_unit_test(test_times_are_calendar_times),
          cmocka_unit_test(test_lines_below_the_level_are_dropped),
          cmocka_unit_test(test_a_long_line_is_cut_but_closed))
