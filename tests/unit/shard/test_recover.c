/* What a snapshot's mark in the log leaves of the entries that were replayed before it. */
#include "../unit.h"
#include "raft/events/entry.h"
#include "shard/shard.h"

static int feed(struct shard_recovery *recovery, uint64_t index, uint64_t term) {
    struct raft_entry *entry = raft_entry_new(0);
    raft_entry_seal(entry, term, index, RAFT_ENTRY_NOTHING);
    int error = shard_recovery_entry(recovery, raft_entry_bytes(entry));
    raft_entry_drop(entry);
    return error;
}

/* Entries of one term. Returns owned. */
static struct shard_recovery *fed(uint64_t first, uint64_t last, uint64_t term) {
    struct shard_recovery *recovery = shard_recovery_new(1);
    for (uint64_t index = first; index <= last; index++)
        assert_int_equal(feed(recovery, index, term), 0);
    return recovery;
}

/* While there are entries the next one has to follow them; without any the first may be of any
 * index. So one that does not follow tells which it is. */
static void expect_kept_up_to(struct shard_recovery *recovery, uint64_t last) {
    assert_int_equal(feed(recovery, last + 2, 9), ERR_DAMAGED);
    assert_int_equal(feed(recovery, last + 1, 9), 0);
    shard_recovery_free(recovery);
}

static void expect_nothing_kept(struct shard_recovery *recovery) {
    assert_int_equal(feed(recovery, 500, 9), 0);
    shard_recovery_free(recovery);
}

static void test_what_follows_the_snapshots_own_entry_is_kept(void **state) {
    (void)state;
    struct shard_recovery *recovery = fed(1, 20, 2);
    shard_recovery_snapshot(recovery, 15, 2);
    expect_kept_up_to(recovery, 20);
}

/* The snapshot holds another entry there: what follows was never committed. */
static void test_another_entry_there_takes_all_with_it(void **state) {
    (void)state;
    struct shard_recovery *recovery = fed(1, 20, 2);
    shard_recovery_snapshot(recovery, 15, 3);
    expect_nothing_kept(recovery);
}

static void test_a_snapshot_past_the_end_leaves_nothing(void **state) {
    (void)state;
    struct shard_recovery *recovery = fed(1, 20, 2);
    shard_recovery_snapshot(recovery, 30, 2);
    expect_nothing_kept(recovery);
}

/* The entries before were released with their segments: the log begins behind the snapshot of an
 * older mark. It goes on from there if it is of the snapshot's term, or of a later one. */
static void test_a_log_that_begins_behind_the_snapshot_goes_on(void **state) {
    (void)state;
    for (uint64_t term = 2; term <= 3; term++) {
        struct shard_recovery *recovery = fed(60, 69, term);
        shard_recovery_snapshot(recovery, 30, 2);
        expect_kept_up_to(recovery, 69);
    }
}

/* Of an older term it is not what was committed behind the snapshot. */
static void test_a_log_of_an_older_term_behind_the_snapshot_goes(void **state) {
    (void)state;
    struct shard_recovery *recovery = fed(60, 69, 2);
    shard_recovery_snapshot(recovery, 30, 3);
    expect_nothing_kept(recovery);
}

static void test_an_older_mark_changes_nothing(void **state) {
    (void)state;
    struct shard_recovery *recovery = fed(1, 20, 2);
    shard_recovery_snapshot(recovery, 15, 2);
    shard_recovery_snapshot(recovery, 15, 7);
    shard_recovery_snapshot(recovery, 9, 7);
    expect_kept_up_to(recovery, 20);
}

/* What a mark that is still to come covers is not even held until it comes. */
static void test_what_a_later_mark_covers_is_not_held(void **state) {
    (void)state;
    struct shard_recovery *all = fed(1, 20, 2), *recovery = shard_recovery_new(1);
    shard_recovery_cover(recovery, 15);
    for (uint64_t index = 1; index <= 20; index++) {
        assert_int_equal(feed(recovery, index, 2), 0);
        assert_true(index > 15 || shard_recovery_bytes(recovery) == 0);
    }
    assert_true(shard_recovery_bytes(recovery) * 4 == shard_recovery_bytes(all));
    shard_recovery_snapshot(recovery, 9, 2);
    shard_recovery_snapshot(recovery, 15, 2);
    assert_true(shard_recovery_bytes(recovery) * 4 == shard_recovery_bytes(all));
    shard_recovery_free(all);
    expect_kept_up_to(recovery, 20);
}

/* What follows hung on another entry than the snapshot's. */
static void test_a_covered_log_of_an_older_term_goes(void **state) {
    (void)state;
    struct shard_recovery *recovery = shard_recovery_new(1);
    shard_recovery_cover(recovery, 15);
    for (uint64_t index = 1; index <= 20; index++)
        assert_int_equal(feed(recovery, index, 2), 0);
    shard_recovery_snapshot(recovery, 15, 3);
    assert_true(shard_recovery_bytes(recovery) == 0);
    expect_nothing_kept(recovery);
}

/* A truncation into what is covered leaves what comes after it. */
static void test_what_is_taken_back_may_be_covered(void **state) {
    (void)state;
    struct shard_recovery *recovery = shard_recovery_new(1);
    shard_recovery_cover(recovery, 15);
    for (uint64_t index = 1; index <= 20; index++)
        assert_int_equal(feed(recovery, index, 2), 0);
    shard_recovery_truncate(recovery, 12);
    assert_true(shard_recovery_bytes(recovery) == 0);
    for (uint64_t index = 12; index <= 18; index++)
        assert_int_equal(feed(recovery, index, 3), 0);
    shard_recovery_snapshot(recovery, 15, 3);
    expect_kept_up_to(recovery, 18);
}

/* The replica was removed, and is back with a log that begins anew: no mark that was promised is of
 * that. */
static void test_a_log_that_begins_anew_is_not_covered(void **state) {
    (void)state;
    struct shard_recovery *recovery = shard_recovery_new(1);
    shard_recovery_cover(recovery, 15);
    for (uint64_t index = 1; index <= 20; index++)
        assert_int_equal(feed(recovery, index, 2), 0);
    shard_recovery_forget(recovery, 20, 2);
    assert_true(shard_recovery_bytes(recovery) == 0);
    for (uint64_t index = 1; index <= 10; index++)
        assert_int_equal(feed(recovery, index, 3), 0);
    expect_kept_up_to(recovery, 10);
}

RUN_TESTS(cmocka_unit_test(test_what_follows_the_snapshots_own_entry_is_kept),
          cmocka_unit_test(test_another_entry_there_takes_all_with_it),
          cmocka_unit_test(test_a_snapshot_past_the_end_leaves_nothing),
          cmocka_unit_test(test_a_log_that_begins_behind_the_snapshot_goes_on),
          cmocka_unit_test(test_a_log_of_an_older_term_behind_the_snapshot_goes),
          cmocka_unit_test(test_an_older_mark_changes_nothing),
          cmocka_unit_test(test_what_a_later_mark_covers_is_not_held),
          cmocka_unit_test(test_a_covered_log_of_an_older_term_goes),
          cmocka_unit_test(test_what_is_taken_back_may_be_covered),
          cmocka_unit_test(test_a_log_that_begins_anew_is_not_covered))
