/* Who a member of the library is, on a disk that refuses one call, whichever: no generation that
 * was told is told again, and the UUID stays what it was. */
#include "../io/failing_calls.h"
#include "../unit.h"
#include "library/identity.h"
#include <stdlib.h>
#include <unistd.h>

enum { CALLS_MAXIMUM = 100 };

struct place {
    char folder[64], file[80];
};

static void place_make(struct place *place) {
    *place = (struct place){.folder = "/tmp/trothdb-identity-XXXXXX"};
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->file, sizeof place->file, "%s/identity", place->folder);
}

static void place_remove(struct place *place) {
    assert_int_equal(unlink(place->file), 0);
    assert_int_equal(rmdir(place->folder), 0); /* nothing else is left there */
}

static int start(struct place *place, struct member_identity *identity) {
    struct buffer problem;
    buffer_init(&problem, 1024);
    int code = member_identity_open(identity, place->file, &problem);
    assert_int_equal(problem.length > 0, code != 0);
    member_identity_close(identity);
    buffer_release(&problem);
    return code;
}

/* A start in which one call fails, of a member that was there before or is new. False: there is no
 * such call. */
static bool fail_one(enum failing_call call, unsigned nth, bool is_new) {
    struct place place;
    struct member_identity first = {.generation = 0}, second = {.generation = 0}, third;
    place_make(&place);
    if (!is_new)
        assert_int_equal(start(&place, &first), 0);
    failing_calls_fail(call, nth);
    int code = start(&place, &second);
    bool is_hit = failing_calls_is_hit();
    failing_calls_fail(call, 0);
    assert_true(code == 0 || is_hit);
    if (code == 0)
        assert_true(second.generation > first.generation);
    assert_int_equal(start(&place, &third), 0);
    assert_true(third.generation > (code ? first.generation : second.generation));
    if (!is_new)
        assert_memory_equal(third.uuid, first.uuid, sizeof first.uuid);
    else if (code == 0)
        assert_memory_equal(third.uuid, second.uuid, sizeof second.uuid);
    place_remove(&place);
    return is_hit;
}

static void test_any_one_call_fails(void **state) {
    (void)state;
    unsigned failures = 0;
    for (unsigned is_new = 0; is_new < 2; is_new++)
        for (enum failing_call call = 0; call < CALL_COUNT; call++)
            for (unsigned nth = 1; fail_one(call, nth, is_new); nth++, failures++)
                assert_true(nth < CALLS_MAXIMUM);
    assert_true(failures > 20);
}

/* Each start holds the lock of the file that it leaves: also where a call failed, no second member
 * takes the identity of one that runs. */
static bool fail_second(enum failing_call call, unsigned nth) {
    struct place place;
    struct member_identity running, second;
    struct buffer problem;
    place_make(&place);
    buffer_init(&problem, 1024);
    assert_int_equal(member_identity_open(&running, place.file, &problem), 0);
    failing_calls_fail(call, nth);
    assert_int_not_equal(start(&place, &second), 0);
    bool is_hit = failing_calls_is_hit();
    failing_calls_fail(call, 0);
    member_identity_close(&running);
    buffer_release(&problem);
    place_remove(&place);
    return is_hit;
}

static void test_one_that_runs_is_not_taken(void **state) {
    (void)state;
    for (enum failing_call call = 0; call < CALL_COUNT; call++)
        for (unsigned nth = 1; fail_second(call, nth); nth++)
            assert_true(nth < CALLS_MAXIMUM);
}

/* A copy of the file was started more often, by somebody else. */
static bool fail_above(enum failing_call call, unsigned nth) {
    enum { LATER = 7 };
    struct place place;
    struct member_identity running, next;
    struct buffer problem;
    place_make(&place);
    buffer_init(&problem, 1024);
    assert_int_equal(member_identity_open(&running, place.file, &problem), 0);
    assert_int_equal(member_identity_start_above(&running, place.file, 0, &problem), 0);
    failing_calls_fail(call, nth);
    int code = member_identity_start_above(&running, place.file, LATER, &problem);
    bool is_hit = failing_calls_is_hit();
    failing_calls_fail(call, 0);
    assert_true(code == 0 || (is_hit && problem.length > 0));
    member_identity_close(&running);
    assert_int_equal(start(&place, &next), 0);
    assert_memory_equal(next.uuid, running.uuid, sizeof next.uuid);
    assert_true(next.generation == LATER + 1 || (code != 0 && next.generation == 2));
    buffer_release(&problem);
    place_remove(&place);
    return is_hit;
}

static void test_the_next_life_is_above_a_later_one(void **state) {
    (void)state;
    for (enum failing_call call = 0; call < CALL_COUNT; call++)
        for (unsigned nth = 1; fail_above(call, nth); nth++)
            assert_true(nth < CALLS_MAXIMUM);
}

RUN_TESTS(cmocka_unit_test(test_any_one_call_fails),
          cmocka_unit_test(test_the_next_life_is_above_a_later_one),
          cmocka_unit_test(test_one_that_runs_is_not_taken))
