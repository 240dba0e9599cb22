/* Files that are replaced whole, on a disk that refuses one call, whichever: the file is the old
 * one or the new one, what is said of it is true, and it may be done again. */
#include "../unit.h"
#include "failing_calls.h"
#include "io/whole_file.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CALLS_MAXIMUM = 100 };
static char folder[64];

static int set_up(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/trothdb-whole-file-XXXXXX");
    return mkdtemp(folder) ? chdir(folder) : -1;
}

static int tear_down(void **state) {
    (void)state;
    return unlink("file") || chdir("/") || rmdir(folder);
}

static int replace(const char *text, bool *is_said_unchanged) {
    struct buffer problem;
    buffer_init(&problem, 4096);
    int code = whole_file_replace("file", bytes_of_text(text), 07777, &problem);
    assert_int_equal(problem.length > 0, code != 0);
    buffer_append_u8(&problem, 0);
    *is_said_unchanged =
        strstr((const char *)buffer_data(&problem), "; nothing is changed") != NULL;
    buffer_release(&problem);
    return code;
}

static void expect_content(const char *expected) {
    struct buffer text, problem;
    buffer_init(&text, 4096);
    buffer_init(&problem, 4096);
    assert_int_equal(whole_file_read("file", &text, &problem), 0);
    buffer_append_u8(&text, 0);
    assert_string_equal((const char *)buffer_data(&text), expected);
    buffer_release(&text);
    buffer_release(&problem);
}

static void expect_mode(mode_t mode) {
    struct stat status;
    assert_int_equal(stat("file", &status), 0);
    assert_int_equal(status.st_mode & 07777, mode);
}

/* False: there is no such call. */
static bool fail_one(enum failing_call call, unsigned nth) {
    bool is_said_unchanged;
    assert_int_equal(replace("old\n", &is_said_unchanged), 0);
    assert_int_equal(chmod("file", 0640), 0);
    failing_calls_fail(call, nth);
    int code = replace("new\n", &is_said_unchanged);
    bool is_hit = failing_calls_is_hit();
    failing_calls_fail(call, 0);
    assert_true(code == 0 || (code == ERR_IO && is_hit));
    expect_content(is_said_unchanged ? "old\n" : "new\n");
    expect_mode(0640);
    assert_true(!is_said_unchanged || call != CALL_SYNC || nth == 1);
    assert_int_equal(access("file.new", F_OK), -1);
    assert_int_equal(replace("newer\n", &is_said_unchanged), 0);
    expect_content("newer\n");
    return is_hit;
}

static void test_any_one_call_fails(void **state) {
    (void)state;
    unsigned failures = 0;
    for (enum failing_call call = 0; call < CALL_COUNT; call++)
        for (unsigned nth = 1; fail_one(call, nth); nth++, failures++)
            assert_true(nth < CALLS_MAXIMUM);
    assert_true(failures > 8);
}

static bool fail_reading(enum failing_call call, unsigned nth) {
    struct buffer text, problem;
    buffer_init(&text, 4096);
    buffer_init(&problem, 4096);
    failing_calls_fail(call, nth);
    int code = whole_file_read("file", &text, &problem);
    bool is_hit = failing_calls_is_hit();
    failing_calls_fail(call, 0);
    assert_true(code == 0 || (code == ERR_IO && is_hit));
    assert_int_equal(problem.length > 0, code != 0);
    if (code == 0)
        assert_int_equal(text.length, 4);
    buffer_release(&text);
    buffer_release(&problem);
    return is_hit;
}

static void test_any_one_call_of_a_reader_fails(void **state) {
    (void)state;
    bool is_said_unchanged;
    unsigned failures = 0;
    assert_int_equal(replace("old\n", &is_said_unchanged), 0);
    for (enum failing_call call = 0; call < CALL_COUNT; call++)
        for (unsigned nth = 1; fail_reading(call, nth); nth++, failures++)
            assert_true(nth < CALLS_MAXIMUM);
    assert_true(failures >= 3);
}

/* A byte at a time, and interrupted between them: that is no failure. */
static void test_short_and_interrupted_calls(void **state) {
    (void)state;
    bool is_said_unchanged;
    failing_calls_crawl(true);
    assert_int_equal(replace("slowly but surely\n", &is_said_unchanged), 0);
    expect_content("slowly but surely\n");
    failing_calls_crawl(false);
    expect_content("slowly but surely\n");
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
RUN_TESTS(IN_A_FOLDER(test_any_one_call_fails), IN_A_FOLDER(test_any_one_call_of_a_reader_fails),
          IN_A_FOLDER(test_short_and_interrupted_calls))
