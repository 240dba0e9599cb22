/* The drill's checker finds what it is for: each kind of broken word, and nothing else. */
#include "../unit.h"
#include "cli/drill/drill_check.h"

/* 1 to 7 were sent: 5 was acknowledged last, of 4 and 6 nobody heard, 7 was refused. */
static struct drill_key written(void) {
    struct drill_key key;
    drill_key_init(&key);
    key.acknowledged = 5;
    key.attempted = 7;
    assert_true(drill_key_note_unknown(&key, 4));
    assert_true(drill_key_note_unknown(&key, 6));
    return key;
}

static void test_what_is_read_in_the_end(void **state) {
    (void)state;
    struct drill_key key = written();
    assert_int_equal(drill_check_final(&key, 5), DRILL_RIGHT);
    assert_int_equal(drill_check_final(&key, 6), DRILL_RIGHT); /* it was carried out after all */
    assert_int_equal(drill_check_final(&key, 4), DRILL_RIGHT); /* or that, late */
    assert_int_equal(drill_check_final(&key, 3), DRILL_LOST);
    assert_int_equal(drill_check_final(&key, 0), DRILL_LOST); /* the key is not there */
    assert_int_equal(drill_check_final(&key, 7), DRILL_INVENTED);
    assert_int_equal(drill_check_final(&key, 8), DRILL_INVENTED);
    drill_key_release(&key);
}

static void test_what_is_read_meanwhile(void **state) {
    (void)state;
    struct drill_key key = written();
    assert_int_equal(drill_check_read(&key, 5, 5), DRILL_RIGHT);
    assert_int_equal(drill_check_read(&key, 5, 7), DRILL_RIGHT); /* under way, as far as we know */
    assert_int_equal(drill_check_read(&key, 5, 4), DRILL_RIGHT); /* unknown, and carried out late */
    assert_int_equal(drill_check_read(&key, 5, 3), DRILL_STALE);
    assert_int_equal(drill_check_read(&key, 2, 3), DRILL_RIGHT); /* when it began 2 was the last */
    assert_int_equal(drill_check_read(&key, 5, 8), DRILL_INVENTED);
    drill_key_release(&key);
}

static void test_a_key_rests_when_too_much_is_unknown(void **state) {
    (void)state;
    struct drill_key key;
    drill_key_init(&key);
    for (uint64_t number = 1; number < DRILL_UNKNOWN_MAXIMUM; number++)
        assert_true(drill_key_note_unknown(&key, number));
    assert_false(drill_key_note_unknown(&key, DRILL_UNKNOWN_MAXIMUM));
    drill_key_release(&key);
}

RUN_TESTS(cmocka_unit_test(test_what_is_read_in_the_end),
          cmocka_unit_test(test_what_is_read_meanwhile),
          cmocka_unit_test(test_a_key_rests_when_too_much_is_unknown))
