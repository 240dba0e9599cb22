/* Events run by time, and in the order of scheduling where the time is the same; clocks drift
 * without jumping. */
#include "../unit.h"

#include "sim/world/clock.h"

static char order[16];

static void note(struct event *event) {
    size_t length = strlen(order);
    order[length] = (char)event->number;
}

static void note_at(struct event_queue *queue, uint64_t at_us, char name) {
    event_schedule(queue, at_us, note, NULL)->number = (uint64_t)name;
}

static void events_run_by_time_then_by_order(void **state) {
    (void)state;
    struct event_queue queue;
    event_queue_init(&queue);
    memset(order, 0, sizeof order);
    note_at(&queue, 20, 'c');
    note_at(&queue, 10, 'a');
    note_at(&queue, 20, 'd');
    note_at(&queue, 10, 'b');
    note_at(&queue, 31, 'x');
    while (event_queue_step(&queue, 30))
        ;
    assert_string_equal(order, "abcd");
    assert_int_equal(queue.now_us, 20);
    event_queue_release(&queue);
}

static struct event_queue again_queue;

static void again_once(struct event *event) {
    if (event->number++ == 0)
        event_again(&again_queue, event, again_queue.now_us + 5);
}

static void an_event_may_run_again(void **state) {
    (void)state;
    event_queue_init(&again_queue);
    event_schedule(&again_queue, 1, again_once, NULL);
    assert_true(event_queue_step(&again_queue, 100));
    assert_true(event_queue_step(&again_queue, 100));
    assert_int_equal(again_queue.now_us, 6);
    assert_false(event_queue_step(&again_queue, 100));
    event_queue_release(&again_queue);
}

static void a_drifting_clock_never_jumps(void **state) {
    (void)state;
    struct sim_time time;
    sim_time_init(&time, 1000, 500, 100000); /* a tenth too fast */
    assert_int_equal(sim_time_local_us(&time, 1000), 500);
    assert_int_equal(sim_time_local_us(&time, 2000), 1600);
    sim_time_set_drift(&time, 2000, -100000);
    assert_int_equal(sim_time_local_us(&time, 2000), 1600);
    assert_int_equal(sim_time_local_us(&time, 3000), 2500);
    for (uint64_t local_us = 1600; local_us < 2600; local_us += 7) {
        uint64_t world_us = sim_time_world_us(&time, local_us);
        assert_true(sim_time_local_us(&time, world_us) >= local_us);
        assert_true(sim_time_local_us(&time, world_us) <= local_us + 1);
    }
}

static void a_stalled_thread_reads_the_time_before_and_after(void **state) {
    (void)state;
    struct event_queue queue;
    event_queue_init(&queue);
    struct sim_time time;
    sim_time_init(&time, 0, 0, 0);
    struct sim_clock clock;
    sim_clock_init(&clock, &queue, &time);
    clock.stall_after_reads = 2;
    clock.stall_us = 1000;
    assert_int_equal(clock.clock.monotonic_us(&clock.clock), 0);
    assert_int_equal(clock.clock.monotonic_us(&clock.clock), 0);
    assert_int_equal(clock.clock.monotonic_us(&clock.clock), 1000);
    assert_int_equal(sim_clock_now_us(&clock), 1000);
    event_queue_release(&queue);
}

RUN_TESTS(cmocka_unit_test(events_run_by_time_then_by_order),
          cmocka_unit_test(an_event_may_run_again), cmocka_unit_test(a_drifting_clock_never_jumps),
          cmocka_unit_test(a_stalled_thread_reads_the_time_before_and_after))
