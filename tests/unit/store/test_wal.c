/* The log: what was reported durable is replayed, in order, whatever the rounds and segments. */
#include "../unit.h"
#include "wal_world.h"

/* Every kind of record, of two shards, and one more life of the log behind them. */
static void test_replays_what_was_written(void **state) {
    (void)state;
    struct world *world = world_opened();
    assert_int_equal(world->log.replayed, 0);
    world_state(world, 0, 5, 2);
    world_entry(world, 0, 1, 20);
    world_entry(world, 2, 1, 12);
    world_entry(world, 0, 2, 33);
    world_truncate(world, 0, 2);
    world_snapshot(world, 2, 1, 4);
    assert_int_equal(world->durable, 0);
    world_flush(world);
    assert_int_equal(world->durable, 6);
    assert_true(wal_is_idle(world->wal));
    world_restart(world);
    assert_int_equal(world->log.replayed, 6);
    assert_true(world_log_is(world, 6));
    assert_false(world_log_is(world, 5));
    world_entry(world, 0, 2, 40);
    world_flush(world);
    world_restart(world);
    assert_true(world_log_is(world, 7));
    world_free(world);
}

/* What is appended while a round runs waits for it and is one round more: three appends, two syncs.
 */
static void test_gathers_while_a_round_runs(void **state) {
    (void)state;
    struct world *world = world_opened();
    unsigned syncs = world->fake.syncs;
    world_entry(world, 0, 1, 20);
    world_begin_round(world);
    assert_false(wal_is_idle(world->wal));
    world_entry(world, 0, 2, 20);
    world_begin_round(world);
    world_entry(world, 1, 1, 20);
    world_begin_round(world);
    assert_true(world_end_round(world));
    assert_int_equal(world->durable, 1);
    assert_true(world_end_round(world));
    assert_int_equal(world->durable, 3);
    assert_false(world_end_round(world));
    assert_int_equal(world->fake.syncs - syncs, 2);
    assert_int_equal(world_statistics(world).rounds, 2);
    assert_int_equal(world_statistics(world).bytes_pending, 0);
    world_free(world);
}

/* What was not flushed is not written when a round ends. */
static void test_waits_for_the_flush(void **state) {
    (void)state;
    struct world *world = world_opened();
    world_entry(world, 0, 1, 20);
    world_begin_round(world);
    world_entry(world, 0, 2, 20);
    fake_disk_run_all(&world->fake);
    assert_int_equal(world->durable, 1);
    assert_false(wal_is_idle(world->wal));
    world_flush(world);
    assert_int_equal(world->durable, 2);
    world_free(world);
}

/* Records that may wait begin no round before they are due, and go with the first that does. */
static void test_patient_records(void **state) {
    (void)state;
    struct world *world = world_opened();
    wal_may_wait(world->wal, 5000);
    world_entry(world, 0, 1, 20);
    wal_may_wait(world->wal, 3000);
    world_entry(world, 1, 1, 20);
    assert_int_equal(wal_due_us(world->wal), 3000);
    wal_flush_due(world->wal, 2999);
    assert_false(world_end_round(world));
    wal_flush_due(world->wal, 3000);
    assert_true(wal_due_us(world->wal) == UINT64_MAX);
    wal_may_wait(world->wal, 9000);
    world_entry(world, 0, 2, 20);
    fake_disk_run_all(&world->fake);
    assert_int_equal(world->durable, 2);
    assert_int_equal(wal_due_us(world->wal), 9000);
    wal_may_wait(world->wal, 0);
    world_entry(world, 1, 2, 20);
    wal_flush_due(world->wal, 4000);
    fake_disk_run_all(&world->fake);
    assert_int_equal(world->durable, 4);
    world_free(world);
}

/* What does not fit into a segment goes into the next, and all of them are replayed, again and
 * again. */
static void test_goes_on_in_new_segments(void **state) {
    (void)state;
    struct world *world = world_opened();
    world_medley(world);
    assert_true(world_statistics(world).segments > 8);
    for (size_t i = 0; i < 3; i++) {
        world_restart(world);
        assert_int_equal(world->log.replayed, WORLD_MEDLEY_APPENDS);
        assert_true(world_log_is(world, WORLD_MEDLEY_APPENDS));
    }
    world_free(world);
}

/* An entry larger than a segment, and one large enough to leave a gap at the end of one. */
static void test_holds_entries_larger_than_a_segment(void **state) {
    (void)state;
    struct world *world = world_opened();
    world_entry(world, 0, 1, 5000);
    world_entry(world, 0, 2, 12);
    world_entry(world, 0, 3, 900);
    world_entry(world, 0, 4, 900);
    world_flush(world);
    world_entry(world, 0, 5, 8000);
    world_flush(world);
    assert_int_equal(world->durable, 5);
    world_restart(world);
    assert_true(world_log_is(world, 5));
    world_entry(world, 0, 6, 700);
    world_flush(world);
    world_restart(world);
    assert_true(world_log_is(world, 6));
    world_free(world);
}

/* Once a shard's snapshot covers the entries of a segment the file goes, and term, vote and mark
 * are still known. */
static void test_releases_segments(void **state) {
    (void)state;
    struct world *world = world_opened();
    world_state(world, 0, 7, 3);
    world_entry(world, 1, 1, 20); /* holds the first segment */
    world_entries(world, 0, 1, 40, 100);
    world_let_go(world, 0, 30, 7);
    assert_non_null(fake_disk_find(&world->fake, "wal-0000000001"));
    uint32_t holder = 99;
    assert_true(wal_oldest_holder(world->wal, 3, &holder));
    assert_int_equal(holder, 1);

    world_let_go(world, 1, 1, 7);
    assert_null(fake_disk_find(&world->fake, "wal-0000000001"));
    assert_int_equal(world_statistics(world).segments, 3);
    assert_false(wal_oldest_holder(world->wal, 3, &holder));
    wal_release(world->wal, 1, 1); /* no news, so no round either */
    assert_true(wal_is_idle(world->wal));
    world_restart(world);
    assert_true(world_log_is(world, world->append_count));
    assert_true(world->log.replayed < 20);
    world_free(world);
}

/* Entries that were truncated hold no segment. */
static void test_truncation_lets_go(void **state) {
    (void)state;
    struct world *world = world_opened();
    for (uint64_t i = 1; i <= 30; i++)
        world_entry(world, 0, i, 100);
    world_flush(world);
    world_truncate(world, 0, 11);
    world_let_go(world, 0, 10, 1);
    assert_true(world_statistics(world).segments <= 2);
    world_free(world);
}

/* Every write, sync, creation, rename and removal in turn fails: it is said once, and nothing more
 * becomes durable. */
static void test_fails_once_and_for_all(void **state) {
    (void)state;
    for (unsigned nth = 1; nth < 300; nth++) {
        struct world *world = world_opened();
        fake_disk_fail_after(&world->fake, nth, ERR_IO);
        for (uint64_t i = 1; i <= 40; i++) {
            world_entry(world, 0, i, 100);
            if (i == 20)
                world_snapshot(world, 0, 15, 1);
            world_flush(world);
            if (i == 20)
                wal_release(world->wal, 0, 15);
        }
        fake_disk_run_all(&world->fake);
        bool has_failed = world->fake.fail_countdown == 0;
        assert_int_equal(world->failures, has_failed ? 1 : 0);
        size_t durable = world->durable;
        if (has_failed)
            assert_int_equal(world->failed_with, ERR_IO);
        else
            assert_int_equal(durable, 41);
        world->released[0] = 15;
        if (!has_failed) {
            world_free(world);
            assert_true(nth > 80);
            return;
        }
        fake_disk_fail_after(&world->fake, 0, 0);
        world_restart(world);
        bool is_found = false;
        for (size_t k = durable; k <= 41 && !is_found; k++)
            is_found = world_log_is(world, k);
        assert_true(is_found);
        world_free(world);
    }
    fail_msg("the script never ran to its end");
}

/* Opening a damaged or unwritable directory says so. */
static void test_opening_fails_in_words(void **state) {
    (void)state;
    for (unsigned nth = 1;; nth++) {
        struct world *world = world_new();
        fake_disk_fail_after(&world->fake, nth, ERR_NO_SPACE);
        int status = world_open(world);
        if (status == 0) {
            assert_true(nth > 4);
            world_free(world);
            return;
        }
        assert_int_equal(status, ERR_NO_SPACE);
        assert_non_null(strstr(world->problem.text, "no space left"));
        world->wal = NULL;
        world_free(world);
    }
}

RUN_TESTS(cmocka_unit_test(test_replays_what_was_written),
          cmocka_unit_test(test_gathers_while_a_round_runs),
          cmocka_unit_test(test_waits_for_the_flush), cmocka_unit_test(test_patient_records),
          cmocka_unit_test(test_goes_on_in_new_segments),
          cmocka_unit_test(test_holds_entries_larger_than_a_segment),
          cmocka_unit_test(test_releases_segments), cmocka_unit_test(test_truncation_lets_go),
          cmocka_unit_test(test_fails_once_and_for_all),
          cmocka_unit_test(test_opening_fails_in_words))
