/* How much is done a second: by the counters of the last sixteen ticks, and of no others. */
#include "../unit.h"

#include "worker/rates.h"

enum { TICK_US = 100 * 1000 };

/* Ticks of a worker that does so many commands in each. */
static uint64_t pass(struct rates *rates, struct rates_sample *now, unsigned ticks,
                     uint64_t commands) {
    for (unsigned i = 0; i < ticks; i++) {
        now->at_us += TICK_US;
        now->commands += commands;
        now->input_bytes += 30 * commands;
        now->output_bytes += 5 * commands;
        rates_add(rates, now);
    }
    return rates_per_second(rates).commands;
}

static void test_a_steady_load_is_told_from_the_second_tick_on(void **state) {
    (void)state;
    struct rates rates = {0};
    struct rates_sample now = {0};
    assert_int_equal(pass(&rates, &now, 1, 7), 0);
    assert_int_equal(pass(&rates, &now, 1, 7), 70);
    assert_int_equal(pass(&rates, &now, 100, 7), 70);
    assert_int_equal(rates_per_second(&rates).input_bytes, 30 * 70);
    assert_int_equal(rates_per_second(&rates).output_bytes, 5 * 70);
}

static void test_what_is_long_ago_is_forgotten(void **state) {
    (void)state;
    struct rates rates = {0};
    struct rates_sample now = {0};
    pass(&rates, &now, 20, 100);
    assert_in_range(pass(&rates, &now, 7, 0), 1, 999);
    assert_int_equal(pass(&rates, &now, 9, 0), 0);
}

static void test_a_late_tick_counts_by_its_time(void **state) {
    (void)state;
    struct rates rates = {0};
    struct rates_sample now = {0};
    rates_add(&rates, &now);
    now.at_us += 4 * TICK_US;
    assert_int_equal(pass(&rates, &now, 1, 50), 100);
}

/* CONFIG RESETSTAT: not a huge number, and true again after two ticks. */
static void test_counters_that_go_back_begin_anew(void **state) {
    (void)state;
    struct rates rates = {0};
    struct rates_sample now = {0};
    pass(&rates, &now, 20, 100);
    now.commands = now.input_bytes = now.output_bytes = 0;
    assert_int_equal(pass(&rates, &now, 1, 3), 0);
    assert_int_equal(pass(&rates, &now, 1, 3), 30);
}

RUN_TESTS(cmocka_unit_test(test_a_steady_load_is_told_from_the_second_tick_on),
          cmocka_unit_test(test_what_is_long_ago_is_forgotten),
          cmocka_unit_test(test_a_late_tick_counts_by_its_time),
          cmocka_unit_test(test_counters_that_go_back_begin_anew))
