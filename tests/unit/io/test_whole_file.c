/* Files that are replaced whole: whose they are and what they lead to stays. */
#include "../unit.h"
#include "io/whole_file.h"
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static int set_up(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/trothdb-whole-file-XXXXXX");
    return mkdtemp(folder) ? chdir(folder) : -1;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk) {
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

static int tear_down(void **state) {
    (void)state;
    return chdir("/") || nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void assert_content(const char *name, const char *expected) {
    struct buffer text, problem;
    buffer_init(&text, 4096);
    buffer_init(&problem, 4096);
    assert_int_equal(whole_file_read(name, &text, &problem), 0);
    buffer_append_u8(&text, 0);
    assert_string_equal((const char *)buffer_data(&text), expected);
    buffer_release(&text);
    buffer_release(&problem);
}

static void replace(const char *name, const char *text) {
    struct buffer problem;
    buffer_init(&problem, 4096);
    assert_int_equal(whole_file_replace(name, bytes_of_text(text), 07777, &problem), 0);
    buffer_release(&problem);
}

static void assert_refused(const char *name, const char *expected) {
    struct buffer problem;
    buffer_init(&problem, 4096);
    assert_int_equal(whole_file_replace(name, BYTES_LITERAL("new"), 07777, &problem), ERR_IO);
    buffer_append_u8(&problem, 0);
    assert_string_equal((const char *)buffer_data(&problem), expected);
    buffer_release(&problem);
}

static mode_t mode_of(const char *name) {
    struct stat status;
    assert_int_equal(lstat(name, &status), 0);
    return status.st_mode;
}

static void a_file_keeps_its_mode_and_a_fresh_one_is_its_owners(void **state) {
    (void)state;
    replace("fresh", "one\n");
    assert_int_equal(mode_of("fresh"), S_IFREG | 0600);
    assert_int_equal(chmod("fresh", 0640), 0);
    replace("fresh", "two\n");
    assert_int_equal(mode_of("fresh"), S_IFREG | 0640);
    assert_content("fresh", "two\n");
    assert_int_equal(access("fresh.new", F_OK), -1);
}

/* A configuration is often a link to where it is kept; a second one may lead to it as well. */
static void a_link_stays_and_what_it_leads_to_is_replaced(void **state) {
    (void)state;
    assert_int_equal(mkdir("kept", 0700), 0);
    replace("kept/file", "old\n");
    assert_int_equal(symlink("kept/file", "one"), 0);
    assert_int_equal(symlink("one", "two"), 0);
    replace("two", "new\n");
    assert_true(S_ISLNK(mode_of("one")) && S_ISLNK(mode_of("two")));
    assert_content("kept/file", "new\n");
}

static void what_is_no_regular_file_is_left_alone(void **state) {
    (void)state;
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_int_equal(symlink("pipe", "link"), 0);
    assert_refused("pipe", "cannot write 'pipe': it is no regular file; nothing is changed");
    assert_refused("link", "cannot write 'link': it is no regular file; nothing is changed");
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_refused("folder", "cannot write 'folder': it is no regular file; nothing is changed");
    assert_refused("no/where",
                   "cannot write 'no/where': No such file or directory; nothing is changed");
    assert_true(S_ISFIFO(mode_of("pipe")) && S_ISDIR(mode_of("folder")));
}

RUN_TESTS(cmocka_unit_test_setup_teardown(a_file_keeps_its_mode_and_a_fresh_one_is_its_owners,
                                          set_up, tear_down),
          cmocka_unit_test_setup_teardown(a_link_stays_and_what_it_leads_to_is_replaced, set_up,
                                          tear_down),
          cmocka_unit_test_setup_teardown(what_is_no_regular_file_is_left_alone, set_up, tear_down))
