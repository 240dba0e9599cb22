/* The directories of a disk, on a system that refuses one call, whichever, while they are made:
 * none stays that was not made durable, and one that is found there is made so. */
#include "../unit.h"
#include "failing_calls.h"
#include "io/real/real_disk.h"
#include "io/real/real_file.h"
#include <stdlib.h>
#include <unistd.h>

enum { CALLS_MAXIMUM = 40 };

struct place {
    char parent[64], upper[80], path[96];
};

static void set_up(struct place *place) {
    strcpy(place->parent, "/tmp/trothdb-directories-XXXXXX");
    assert_non_null(mkdtemp(place->parent));
    snprintf(place->upper, sizeof place->upper, "%s/upper", place->parent);
    snprintf(place->path, sizeof place->path, "%s/disk", place->upper);
}

static void tear_down(struct place *place) {
    char lock[128];
    snprintf(lock, sizeof lock, "%s/%s", place->path, DISK_REAL_LOCK_NAME);
    unlink(lock);
    rmdir(place->path);
    rmdir(place->upper);
    assert_int_equal(rmdir(place->parent), 0);
}

static int open_and_close(const struct place *place) {
    struct disk *disk;
    struct disk_real_problem problem;
    int status = disk_real_open(place->path, NULL, &disk, &problem);
    assert_int_equal(problem.text[0] != 0, status != 0);
    if (status == 0)
        disk_real_close(disk);
    return status;
}

/* False: there is no such call. */
static bool fail_one(enum failing_call call, unsigned nth) {
    struct place place;
    set_up(&place);
    failing_calls_fail(call, nth);
    int status = open_and_close(&place);
    bool is_hit = failing_calls_is_hit();
    failing_calls_fail(call, 0);
    if (is_hit && call == CALL_SYNC) {
        assert_int_equal(status, ERR_IO);
        assert_int_equal(access(nth == 1 ? place.upper : place.path, F_OK), -1);
    }
    assert_int_equal(open_and_close(&place), 0);
    tear_down(&place);
    return is_hit;
}

static void test_any_one_call_fails(void **state) {
    (void)state;
    static const enum failing_call calls[] = {CALL_OPEN, CALL_SYNC, CALL_MAKE};
    for (unsigned i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        unsigned nth = 1;
        while (fail_one(calls[i], nth))
            assert_true(nth++ < CALLS_MAXIMUM);
        assert_true(nth > 2);
    }
}

/* A start that ended between making it and making it durable has left it. */
static void test_one_that_is_found_is_made_durable(void **state) {
    (void)state;
    struct place place;
    set_up(&place);
    assert_int_equal(open_and_close(&place), 0);
    failing_calls_fail(CALL_SYNC, 1);
    assert_int_equal(open_and_close(&place), ERR_IO);
    assert_true(failing_calls_is_hit());
    failing_calls_fail(CALL_SYNC, 0);
    assert_int_equal(access(place.path, F_OK), 0);
    assert_int_equal(open_and_close(&place), 0);
    tear_down(&place);
}

RUN_TESTS(cmocka_unit_test(test_any_one_call_fails),
          cmocka_unit_test(test_one_that_is_found_is_made_durable))
