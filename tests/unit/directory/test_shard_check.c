/* The log of one shard, record by record: what follows is taken, what cannot follow is called by
 * its name. */
#include "../unit.h"
#include "directory/shard_check.h"
#include "raft/events/entry.h"

static const char *feed(struct shard_check *check, uint64_t index, uint64_t term,
                        struct shard_check_gap *gap) {
    struct raft_entry *entry = raft_entry_new(0);
    raft_entry_seal(entry, term, index, RAFT_ENTRY_NOTHING);
    const char *wrong = shard_check_entry(check, raft_entry_bytes(entry), gap);
    raft_entry_drop(entry);
    return wrong;
}

static void feed_all(struct shard_check *check, uint64_t first, uint64_t last, uint64_t term) {
    struct shard_check_gap gap;
    for (uint64_t index = first; index <= last; index++) {
        assert_null(feed(check, index, term, &gap));
        assert_int_equal(gap.last_index, 0);
    }
}

static void expect_entries(const struct shard_check *check, uint64_t first, uint64_t last) {
    assert_int_equal(check->first_index, first);
    assert_int_equal(check->last_index, last);
}

static void test_entries_follow_each_other(void **state) {
    (void)state;
    struct shard_check check = {0};
    struct shard_check_gap gap;
    feed_all(&check, 1, 5, 1);
    feed_all(&check, 6, 9, 3);
    assert_string_equal(feed(&check, 11, 3, &gap), "an entry does not follow the one before it");
    assert_string_equal(feed(&check, 10, 2, &gap),
                        "an entry is of an older term than the one before it");
    shard_check_truncate(&check, 6);
    expect_entries(&check, 1, 5);
    feed_all(&check, 6, 7, 2);
    assert_null(shard_check_end(&check));
    shard_check_truncate(&check, 1);
    expect_entries(&check, 0, 0);
    feed_all(&check, 4, 4, 2);
    assert_string_equal(shard_check_end(&check), "the log does not begin where the snapshot ends");
    shard_check_release(&check);
}

/* A later snapshot let the first entries go; a mark that was logged before its own is of an older
 * one, which a leader sent meanwhile. */
static void test_a_log_that_begins_late_outlasts_an_older_mark(void **state) {
    (void)state;
    struct shard_check check = {0};
    shard_check_snapshot(&check, 20, 2);
    feed_all(&check, 60, 69, 2);
    shard_check_snapshot(&check, 30, 2);
    feed_all(&check, 70, 74, 3);
    expect_entries(&check, 60, 74);
    shard_check_snapshot(&check, 65, 2);
    expect_entries(&check, 66, 74);
    assert_null(shard_check_end(&check));
    shard_check_snapshot(&check, 100, 5);
    feed_all(&check, 101, 105, 5);
    shard_check_release(&check);
}

static void test_entries_of_an_older_term_than_the_snapshot_before_them_go(void **state) {
    (void)state;
    struct shard_check check = {0};
    feed_all(&check, 60, 69, 2);
    shard_check_snapshot(&check, 30, 3);
    expect_entries(&check, 0, 0);
    shard_check_release(&check);
}

static void test_a_snapshot_keeps_what_it_continues(void **state) {
    (void)state;
    struct shard_check check = {0};
    feed_all(&check, 1, 5, 1);
    feed_all(&check, 6, 9, 3);
    shard_check_snapshot(&check, 5, 1);
    expect_entries(&check, 6, 9);
    shard_check_snapshot(&check, 7, 3);
    expect_entries(&check, 8, 9);
    assert_null(shard_check_end(&check));
    shard_check_snapshot(&check, 8, 4); /* another entry stood there */
    expect_entries(&check, 0, 0);
    feed_all(&check, 9, 12, 4);
    shard_check_snapshot(&check, 12, 4);
    expect_entries(&check, 0, 0);
    shard_check_snapshot(&check, 3, 1); /* older than what is known */
    assert_int_equal(check.snapshot_index, 12);
    shard_check_release(&check);
}

static void test_a_damage_explains_a_gap(void **state) {
    (void)state;
    struct shard_check check = {0};
    struct shard_check_gap gap;
    feed_all(&check, 1, 5, 1);
    check.is_gap_known = true;
    assert_null(feed(&check, 9, 1, &gap));
    assert_int_equal(gap.first_index, 6);
    assert_int_equal(gap.last_index, 8);
    feed_all(&check, 10, 10, 1);
    shard_check_unreadable_entry(&check, 11);
    feed_all(&check, 12, 12, 1);
    check.is_gap_known = true;
    feed_all(&check, 12, 12, 2); /* a truncation was lost as well */
    shard_check_release(&check);
}

static void test_promises_are_kept(void **state) {
    (void)state;
    struct shard_check check = {0};
    assert_null(shard_check_state(&check, 3, 0));
    assert_null(shard_check_state(&check, 3, 2));
    assert_string_equal(shard_check_state(&check, 3, 1), "two votes in one term");
    assert_null(shard_check_state(&check, 4, 0));
    assert_string_equal(shard_check_state(&check, 3, 0),
                        "the term falls: a promise was taken back");
    shard_check_release(&check);
}

static void test_looks_into_entries(void **state) {
    (void)state;
    struct shard_check check = {0};
    struct shard_check_gap gap;
    struct raft_entry *entry = raft_entry_new(3);
    memcpy(raft_entry_payload_room(entry), "abc", 3);
    raft_entry_seal(entry, 1, 1, RAFT_ENTRY_COMMANDS);
    assert_string_equal(shard_check_entry(&check, raft_entry_bytes(entry), &gap),
                        "an entry's commands cannot be decoded");
    entry->bytes[RAFT_ENTRY_HEADER_BYTES] ^= 1;
    assert_string_equal(shard_check_entry(&check, raft_entry_bytes(entry), &gap),
                        "an entry's own checksum does not match");
    raft_entry_drop(entry);
    shard_check_release(&check);
}

RUN_TESTS(cmocka_unit_test(test_entries_follow_each_other),
          cmocka_unit_test(test_a_snapshot_keeps_what_it_continues),
          cmocka_unit_test(test_a_log_that_begins_late_outlasts_an_older_mark),
          cmocka_unit_test(test_entries_of_an_older_term_than_the_snapshot_before_them_go),
          cmocka_unit_test(test_a_damage_explains_a_gap), cmocka_unit_test(test_promises_are_kept),
          cmocka_unit_test(test_looks_into_entries))
