/* A ring's file on a disk that refuses one call, whichever: the ring in use is as it was or has
 * taken the step, the file holds one of the two, whole, and the step may be taken again. */
#include "../io/failing_calls.h"
#include "../unit.h"
#include "seal/keyring.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define OLD "1111111111111111111111111111111111111111111111111111111111111111"
#define NEW "2222222222222222222222222222222222222222222222222222222222222222"

enum { CALLS_MAXIMUM = 100 };
enum step { STEP_ADD, STEP_USE, STEP_REMOVE, STEPS };

struct member {
    char folder[64], file[80];
    struct seal *seal;
    struct buffer problem;
    char old[SEAL_ID_TEXT_BYTES], fresh[SEAL_ID_TEXT_BYTES];
};

/* What its ring amounts to. */
struct ring_shown {
    unsigned count;
    char sealing[SEAL_ID_TEXT_BYTES];
};

static struct ring_shown shown(const struct member *member) {
    struct seal_key_shown keys[SEAL_KEYS_MAXIMUM];
    struct ring_shown shown = {.count = keyring_list(member->seal, keys)};
    memcpy(shown.sealing, keys[0].id, sizeof shown.sealing);
    return shown;
}

static int open_ring(struct member *member) {
    buffer_clear(&member->problem);
    return seal_new_from_file(&member->seal, member->file, "", &member->problem);
}

static void restart(struct member *member) {
    seal_free(member->seal);
    assert_int_equal(open_ring(member), 0);
}

static int take(struct member *member, enum step step) {
    buffer_clear(&member->problem);
    if (step == STEP_ADD)
        return keyring_add(member->seal, BYTES_LITERAL(NEW), member->fresh, &member->problem);
    if (step == STEP_USE)
        return keyring_use(member->seal, bytes_of_text(member->fresh), &member->problem);
    return keyring_remove(member->seal, bytes_of_text(member->old), &member->problem);
}

static void start(struct member *member, enum step before) {
    *member = (struct member){.folder = "/tmp/trothdb-keyring-XXXXXX"};
    assert_non_null(mkdtemp(member->folder));
    snprintf(member->file, sizeof member->file, "%s/key", member->folder);
    FILE *file = fopen(member->file, "w");
    assert_non_null(file);
    fputs(OLD "\n", file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(member->file, 0600), 0);
    buffer_init(&member->problem, 1024);
    assert_int_equal(open_ring(member), 0);
    memcpy(member->old, shown(member).sealing, sizeof member->old);
    for (enum step step = 0; step < before; step++)
        assert_int_equal(take(member, step), 0);
}

static void end(struct member *member) {
    seal_free(member->seal);
    assert_int_equal(unlink(member->file), 0);
    assert_int_equal(rmdir(member->folder), 0); /* nothing else is left there */
    buffer_release(&member->problem);
}

static bool is_said(struct member *member, const char *text) {
    return memmem(buffer_data(&member->problem), member->problem.length, text, strlen(text));
}

static bool are_same(const struct ring_shown *a, const struct ring_shown *b) {
    return a->count == b->count && strcmp(a->sealing, b->sealing) == 0;
}

/* False: there is no such call. */
static bool fail_one(enum step step, enum failing_call call, unsigned nth) {
    struct member member;
    start(&member, step);
    struct ring_shown before = shown(&member);
    failing_calls_fail(call, nth);
    int code = take(&member, step);
    bool is_hit = failing_calls_is_hit();
    failing_calls_fail(call, 0);
    assert_true(code == 0 || (code == ERR_IO && is_hit));
    assert_int_equal(member.problem.length > 0, code != 0);
    struct ring_shown after = shown(&member);
    assert_int_equal(are_same(&before, &after), code != 0);
    bool is_unchanged = code && is_said(&member, "; nothing is changed");
    assert_true(!code || is_unchanged || is_said(&member, "is replaced, but"));
    restart(&member);
    struct ring_shown kept = shown(&member);
    assert_int_equal(are_same(&before, &kept), is_unchanged);
    assert_int_equal(take(&member, step), 0);
    restart(&member);
    end(&member);
    return is_hit;
}

static void test_any_one_call_of_a_step_fails(void **state) {
    (void)state;
    unsigned failures = 0;
    for (enum step step = 0; step < STEPS; step++)
        for (enum failing_call call = 0; call < CALL_COUNT; call++)
            for (unsigned nth = 1; fail_one(step, call, nth); nth++, failures++)
                assert_true(nth < CALLS_MAXIMUM);
    assert_true(failures > 24);
}

static bool fail_start(enum failing_call call, unsigned nth) {
    struct member member;
    start(&member, STEP_USE);
    seal_free(member.seal);
    failing_calls_fail(call, nth);
    int code = open_ring(&member);
    bool is_hit = failing_calls_is_hit();
    failing_calls_fail(call, 0);
    assert_true(code == 0 || (code == ERR_IO && is_hit));
    assert_int_equal(member.problem.length > 0, code != 0);
    if (code)
        assert_int_equal(open_ring(&member), 0);
    assert_int_equal(shown(&member).count, 2);
    end(&member);
    return is_hit;
}

static void test_any_one_call_of_a_start_fails(void **state) {
    (void)state;
    unsigned failures = 0;
    for (enum failing_call call = 0; call < CALL_COUNT; call++)
        for (unsigned nth = 1; fail_start(call, nth); nth++, failures++)
            assert_true(nth < CALLS_MAXIMUM);
    assert_true(failures >= 3);
}

RUN_TESTS(cmocka_unit_test(test_any_one_call_of_a_step_fails),
          cmocka_unit_test(test_any_one_call_of_a_start_fails))
