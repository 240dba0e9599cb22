/* What is certain of one shard in a damaged log: a few records are written, some of them cannot be
 * read, and a digest says what the writer knew. Whatever was not lost is kept, and what was lost is
 * missed. */
#include "../planting.h"
#include "base/memory.h"
#include "store/record/ledger.h"
#include "store/recovery/survivor.h"

enum { ENTRIES_MAXIMUM = 64 };

struct trial {
    struct wal_survivor survivor;
    struct wal_ledger truth;                 /* what the writer knows */
    uint64_t round;                          /* of the last record, which is its number too */
    struct wal_header read[ENTRIES_MAXIMUM]; /* of the entries that can be read */
    size_t read_count;
    uint64_t newest_record[ENTRIES_MAXIMUM]; /* by index: the entry that was written there last */
    bool is_unreadable;
    uint64_t gap_round; /* the first that cannot be read */
};

static uint64_t term_of_entry(struct bytes entry) {
    uint64_t term;
    memcpy(&term, entry.data, sizeof term);
    return term;
}

static int set_up(void **state) {
    struct trial *trial = memory_allocate_zeroed(1, sizeof *trial);
    wal_survivor_init(&trial->survivor, term_of_entry);
    wal_ledger_init(&trial->truth);
    wal_ledger_begin_segment(&trial->truth, 1);
    *state = trial;
    return 0;
}
static int tear_down(void **state) {
    struct trial *trial = *state;
    wal_survivor_release(&trial->survivor);
    wal_ledger_release(&trial->truth);
    memory_free(trial);
    return 0;
}

/* ---- what is written ---- */

static int write_record(struct trial *trial, enum wal_kind kind, uint64_t index,
                        struct bytes payload) {
    struct wal_header header = {
        .kind = kind, .index = index, .round = ++trial->round, .record = trial->round};
    int status = wal_ledger_apply(&trial->truth, &header, payload);
    if (kind == WAL_ENTRY)
        trial->newest_record[index] = header.record;
    if (trial->is_unreadable)
        return status;
    if (kind == WAL_ENTRY)
        trial->read[trial->read_count++] = header;
    assert_int_equal(wal_survivor_record(&trial->survivor, &header, payload), status);
    return status;
}

static void entries(struct trial *trial, uint64_t first, uint64_t last, uint64_t term) {
    for (uint64_t index = first; index <= last; index++)
        assert_int_equal(
            write_record(trial, WAL_ENTRY, index, bytes_of((uint8_t *)&term, sizeof term)), 0);
}
static void truncate_from(struct trial *trial, uint64_t index) {
    assert_int_equal(write_record(trial, WAL_TRUNCATE, index, BYTES_NONE), 0);
}
static void promise(struct trial *trial, uint64_t term, uint32_t vote) {
    uint8_t payload[WAL_STATE_PAYLOAD_BYTES];
    wal_state_encode(payload, &(struct wal_state){.term = term, .vote = vote});
    assert_int_equal(write_record(trial, WAL_STATE, 0, bytes_of(payload, sizeof payload)), 0);
}
static void mark(struct trial *trial, enum wal_kind kind, uint64_t index, uint64_t term) {
    uint8_t payload[WAL_SNAPSHOT_PAYLOAD_BYTES];
    wal_snapshot_encode(payload, term);
    assert_int_equal(write_record(trial, kind, index, bytes_of(payload, sizeof payload)), 0);
}
static void snapshot(struct trial *trial, uint64_t index, uint64_t term) {
    mark(trial, WAL_SNAPSHOT, index, term);
}
static void forget(struct trial *trial, uint64_t index, uint64_t term) {
    mark(trial, WAL_FORGET, index, term);
}

/* ---- what can be read of it ---- */

static void gap_begins(struct trial *trial) {
    trial->is_unreadable = true;
    trial->gap_round = trial->round + 1;
}
static void gap_ends(struct trial *trial) {
    trial->is_unreadable = false;
    wal_survivor_gap(&trial->survivor, trial->gap_round);
}
/* So these are lost. */
static void lost_entries(struct trial *trial, uint64_t first, uint64_t last, uint64_t term) {
    gap_begins(trial);
    entries(trial, first, last, term);
    gap_ends(trial);
}
/* Only records of other shards lay there. */
static void gap_of_others(struct trial *trial) {
    gap_begins(trial);
    gap_ends(trial);
}
/* Entries 1 to 4 stand before them. */
static void two_gaps_enclose_5_and_6(struct trial *trial) {
    entries(trial, 1, 4, 3);
    gap_of_others(trial);
    entries(trial, 5, 6, 3);
    gap_of_others(trial);
}
static void digest(struct trial *trial) {
    wal_survivor_digest(&trial->survivor, 0, &trial->truth.shards[0]);
}

/* A digest that reaches back to that round, and has nothing to say of this shard. */
static void silence_since(struct trial *trial, uint64_t round) {
    wal_survivor_digest(&trial->survivor, round, NULL);
}

/* Whoever reads the log once more meets these, and no others. */
static void expect_entries(struct trial *trial, uint64_t first, uint64_t last, bool is_newest) {
    struct wal_survivor *survivor = &trial->survivor;
    uint64_t next = first;
    survivor->met_index = survivor->met_span = 0;
    for (size_t i = 0; i < trial->read_count; i++) {
        bool is_kept;
        assert_int_equal(wal_survivor_meet(survivor, &trial->read[i], &is_kept), 0);
        if (!is_kept)
            continue;
        assert_int_equal(trial->read[i].index, next);
        if (is_newest)
            assert_int_equal(trial->read[i].record, trial->newest_record[next]);
        next++;
    }
    assert_int_equal(next, last + 1);
    assert_int_equal(wal_survivor_kept_count(survivor), last + 1 - first);
    assert_true(wal_survivor_has_met_all(survivor));
}
static void expect_all(struct trial *trial, uint64_t first, uint64_t last) {
    assert_false(trial->survivor.is_in_doubt);
    assert_false(wal_survivor_finish(&trial->survivor));
    expect_entries(trial, first, last, true);
    assert_int_equal(trial->survivor.known.state.term, trial->truth.shards[0].state.term);
    assert_int_equal(trial->survivor.known.state.vote, trial->truth.shards[0].state.vote);
}
/* Entries `first` .. `last` are left of a log that ended with an entry of that index and term. */
static void expect_loss(struct trial *trial, uint64_t first, uint64_t last, uint64_t floor_index,
                        uint64_t floor_term) {
    assert_false(trial->survivor.is_in_doubt);
    assert_true(wal_survivor_finish(&trial->survivor));
    expect_entries(trial, first, last, false);
    const struct wal_shard *known = &trial->survivor.known;
    assert_int_equal(known->floor_index, floor_index);
    assert_int_equal(known->floor_term, floor_term);
    assert_int_equal(known->state.vote, 0);
    assert_true(known->state.term > trial->truth.shards[0].state.term);
}

/* ---- nothing of it was lost ---- */

static void test_a_gap_of_others_costs_nothing(void **state) {
    struct trial *trial = *state;
    promise(trial, 3, 2);
    entries(trial, 1, 4, 3);
    gap_of_others(trial);
    entries(trial, 5, 6, 3);
    digest(trial);
    expect_all(trial, 1, 6);
}

/* The digest's silence says so too if it reaches back to before the gap, and only then. */
static void test_silence_tells_of_what_it_reaches(void **state) {
    struct trial *trial = *state;
    entries(trial, 1, 4, 3);
    gap_of_others(trial);
    silence_since(trial, trial->gap_round + 1);
    assert_true(trial->survivor.is_in_doubt);
    silence_since(trial, trial->gap_round);
    expect_all(trial, 1, 4);
}

/* Of two gaps it is the first one that the silence has to reach. */
static void test_the_first_of_two_gaps_counts(void **state) {
    struct trial *trial = *state;
    entries(trial, 1, 4, 3);
    gap_of_others(trial);
    uint64_t first_round = trial->gap_round;
    entries(trial, 5, 6, 3);
    gap_of_others(trial);
    assert_true(first_round < trial->gap_round);
    silence_since(trial, trial->gap_round);
    assert_true(trial->survivor.is_in_doubt);
}

static void test_a_truncation_between_two_gaps_is_remembered(void **state) {
    struct trial *trial = *state;
    entries(trial, 1, 5, 3);
    gap_of_others(trial);
    truncate_from(trial, 4);
    gap_of_others(trial);
    entries(trial, 4, 4, 4);
    digest(trial);
    expect_all(trial, 1, 4);
    assert_int_equal(trial->survivor.prefix.spans[1].term, 4);
}

static void test_a_truncation_behind_the_gap_leaves_no_gap(void **state) {
    struct trial *trial = *state;
    entries(trial, 1, 4, 3);
    gap_of_others(trial);
    entries(trial, 5, 6, 3);
    truncate_from(trial, 6);
    entries(trial, 6, 6, 4);
    digest(trial);
    expect_all(trial, 1, 6);
}

static void test_a_truncation_of_an_earlier_gap_is_not(void **state) {
    struct trial *trial = *state;
    entries(trial, 1, 5, 3);
    gap_of_others(trial);
    truncate_from(trial, 4);
    entries(trial, 4, 6, 4);
    digest(trial);
    gap_of_others(trial);
    entries(trial, 7, 7, 4);
    digest(trial);
    expect_all(trial, 1, 7);
}

/* What two gaps enclose is void right behind the second one, so that it is gone is no loss. */
static void test_what_two_gaps_enclose_may_be_truncated(void **state) {
    struct trial *trial = *state;
    two_gaps_enclose_5_and_6(trial);
    truncate_from(trial, 5);
    entries(trial, 5, 7, 4);
    digest(trial);
    expect_all(trial, 1, 7);
}

/* And no entry is there behind it: the log ends before them. */
static void test_all_of_what_two_gaps_enclose_may_be_truncated(void **state) {
    struct trial *trial = *state;
    two_gaps_enclose_5_and_6(trial);
    truncate_from(trial, 4);
    digest(trial);
    expect_all(trial, 1, 3);
}

/* ---- snapshots ---- */

static void test_a_mark_behind_the_gap_is_taken_from_before_it(void **state) {
    struct trial *trial = *state;
    entries(trial, 1, 5, 3);
    gap_of_others(trial);
    snapshot(trial, 4, 3);
    entries(trial, 6, 6, 3);
    digest(trial);
    expect_all(trial, 5, 6);
}

static void test_a_snapshot_mends_what_was_lost_before_it(void **state) {
    struct trial *trial = *state;
    entries(trial, 1, 3, 3);
    lost_entries(trial, 4, 4, 3);
    entries(trial, 5, 7, 3);
    snapshot(trial, 5, 3);
    digest(trial);
    expect_all(trial, 6, 7);
}

/* The entries that were lost are truncated: the mark is all there is. */
static void test_what_is_truncated_need_not_be_there(void **state) {
    struct trial *trial = *state;
    entries(trial, 1, 3, 3);
    snapshot(trial, 3, 3);
    lost_entries(trial, 4, 5, 3);
    digest(trial);
    truncate_from(trial, 4);
    truncate_from(trial, 9); /* of nothing */
    expect_all(trial, 1, 0);
}

static void test_what_was_truncated_in_the_gap_need_not_either(void **state) {
    struct trial *trial = *state;
    entries(trial, 1, 3, 3);
    snapshot(trial, 3, 3);
    gap_begins(trial);
    entries(trial, 4, 5, 3);
    truncate_from(trial, 4);
    gap_ends(trial);
    digest(trial);
    expect_all(trial, 1, 0);
}

/* It was installed: the log did not reach it, or held another entry there. */
static void test_a_snapshot_of_another_log_replaces_this_one(void **state) {
    struct trial *trial = *state;
    entries(trial, 1, 3, 3);
    snapshot(trial, 9, 5);
    expect_all(trial, 1, 0);
    entries(trial, 10, 12, 5);
    snapshot(trial, 11, 6);
    expect_all(trial, 1, 0);
}

/* ---- something was lost ---- */

/* The floor is the last entry, whose own term is at hand though the replica knows a later one. */
static void test_an_entry_is_missing(void **state) {
    struct trial *trial = *state;
    entries(trial, 1, 4, 3);
    lost_entries(trial, 5, 5, 3);
    entries(trial, 6, 7, 3);
    promise(trial, 8, 1);
    digest(trial);
    expect_loss(trial, 1, 4, 7, 3);
}

/* It was the last one, so no entry had a higher term than the replica. */
static void test_the_last_entry_is_missing(void **state) {
    struct trial *trial = *state;
    entries(trial, 1, 4, 3);
    gap_begins(trial);
    promise(trial, 4, 1);
    entries(trial, 5, 5, 4);
    gap_ends(trial);
    digest(trial);
    expect_loss(trial, 1, 4, 5, 4);
}

/* A vote in a later term came after the digest: the new term is above that one too, and the floor,
 * as the lost entry's own term is not at hand, in it. */
static void test_a_term_behind_the_digest_counts(void **state) {
    struct trial *trial = *state;
    entries(trial, 1, 4, 3);
    lost_entries(trial, 5, 5, 3);
    digest(trial);
    promise(trial, 9, 1);
    expect_loss(trial, 1, 4, 5, 9);
}

/* What stands between two gaps, and no digest with it, belongs to neither side: it cannot be kept,
 * though a digest counts it among what was read. */
static void test_what_two_gaps_enclose_is_lost(void **state) {
    struct trial *trial = *state;
    two_gaps_enclose_5_and_6(trial);
    digest(trial);
    expect_loss(trial, 1, 4, 6, 3);
}

/* One of the two entries stands, and it is gone: there is no other behind it that would tell. */
static void test_a_truncation_voids_not_all_that_two_gaps_enclose(void **state) {
    struct trial *trial = *state;
    two_gaps_enclose_5_and_6(trial);
    truncate_from(trial, 6);
    digest(trial);
    expect_loss(trial, 1, 4, 6, 3);
}

/* Of two pieces that gaps enclose the truncation voids the later one alone. */
static void test_a_truncation_voids_the_later_of_two_pieces(void **state) {
    struct trial *trial = *state;
    two_gaps_enclose_5_and_6(trial);
    entries(trial, 7, 8, 3);
    gap_of_others(trial);
    truncate_from(trial, 7);
    digest(trial);
    expect_loss(trial, 1, 4, 8, 3);
}

/* What a digest missed may have stood anywhere, so no truncation of a later piece is enough. */
static void test_a_truncation_voids_no_loss_of_an_earlier_gap(void **state) {
    struct trial *trial = *state;
    entries(trial, 1, 4, 3);
    lost_entries(trial, 5, 5, 3);
    entries(trial, 6, 7, 3);
    digest(trial);
    gap_of_others(trial);
    truncate_from(trial, 6);
    digest(trial);
    expect_loss(trial, 1, 4, 7, 3);
}

/* Nothing is lost in the second gap. What was lost in the first one stays lost. */
static void test_a_loss_outlives_a_gap_of_others(void **state) {
    struct trial *trial = *state;
    entries(trial, 1, 4, 3);
    lost_entries(trial, 5, 5, 3);
    entries(trial, 6, 7, 3);
    digest(trial);
    gap_of_others(trial);
    digest(trial);
    expect_loss(trial, 1, 4, 7, 3);
}

/* A snapshot mends that as well: what follows it is whole. */
static void test_a_snapshot_mends_what_two_gaps_enclose(void **state) {
    struct trial *trial = *state;
    two_gaps_enclose_5_and_6(trial);
    snapshot(trial, 6, 3);
    entries(trial, 7, 7, 3);
    digest(trial);
    expect_all(trial, 7, 7);
    gap_of_others(trial);
    digest(trial);
    expect_all(trial, 7, 7);
}

/* More is missing than the gaps say, and no digest follows. */
static void test_a_jump_leaves_the_shard_in_doubt(void **state) {
    struct trial *trial = *state;
    entries(trial, 1, 4, 3);
    entries(trial, 6, 7, 3);
    assert_true(trial->survivor.is_in_doubt);
    assert_true(trial->survivor.is_apart);
}

/* ---- a replica that was forgotten, and came back ---- */

static void test_a_floor_rises_in_its_own_term(void **state) {
    struct trial *trial = *state;
    forget(trial, 10, 3);
    snapshot(trial, 10, 3);
    entries(trial, 11, 12, 3);
    lost_entries(trial, 13, 13, 3);
    entries(trial, 14, 14, 3);
    digest(trial);
    expect_loss(trial, 11, 12, 14, 3);
}

static void test_a_floor_never_falls(void **state) {
    struct trial *trial = *state;
    forget(trial, 10, 5);
    entries(trial, 1, 2, 4);
    lost_entries(trial, 3, 11, 4);
    entries(trial, 12, 12, 4);
    digest(trial);
    expect_loss(trial, 1, 2, 10, 5);
}

/* What it held before is void, although nothing but the digest says so. */
static void test_it_was_forgotten_in_the_gap(void **state) {
    struct trial *trial = *state;
    entries(trial, 1, 4, 3);
    gap_begins(trial);
    forget(trial, 4, 3);
    entries(trial, 1, 2, 3);
    gap_ends(trial);
    entries(trial, 3, 3, 3);
    digest(trial);
    expect_loss(trial, 1, 0, 4, 3);
}

static void test_it_was_forgotten_behind_the_gap(void **state) {
    struct trial *trial = *state;
    entries(trial, 1, 4, 3);
    gap_of_others(trial);
    forget(trial, 4, 3);
    entries(trial, 1, 2, 3);
    digest(trial);
    expect_all(trial, 1, 2);
    assert_int_equal(trial->survivor.known.floor_index, 4);
}

/* ---- reading it once more ---- */

/* However long it is: what is remembered of a log grows with the elections, not the entries. */
static void test_a_term_is_one_span(void **state) {
    struct trial *trial = *state;
    for (uint64_t index = 1; index < ENTRIES_MAXIMUM / 2; index++)
        entries(trial, index, index, 3);
    entries(trial, ENTRIES_MAXIMUM / 2, ENTRIES_MAXIMUM - 1, 4);
    expect_all(trial, 1, ENTRIES_MAXIMUM - 1);
    assert_int_equal(trial->survivor.prefix.count, 2);
}

/* An index is written again in the same term, as it was taken back: the later entry is the one. */
static void test_an_index_is_met_where_it_stood_last(void **state) {
    struct trial *trial = *state;
    entries(trial, 1, 5, 3);
    truncate_from(trial, 3);
    entries(trial, 3, 4, 3);
    truncate_from(trial, 4);
    truncate_from(trial, 4); /* of nothing */
    entries(trial, 4, 6, 3);
    gap_of_others(trial);
    entries(trial, 7, 8, 3);
    gap_of_others(trial);
    truncate_from(trial, 7);
    digest(trial);
    entries(trial, 7, 9, 3);
    expect_all(trial, 1, 9);
}

/* The disk gives other bytes than before: an entry is not there any more, or one more is. */
static void test_another_reading_is_not_believed(void **state) {
    struct trial *trial = *state;
    bool is_kept;
    entries(trial, 1, 4, 3);
    expect_all(trial, 1, 4);
    trial->survivor.met_index = trial->survivor.met_span = 0;
    assert_int_equal(wal_survivor_meet(&trial->survivor, &trial->read[0], &is_kept), 0);
    assert_true(is_kept);
    assert_int_equal(wal_survivor_meet(&trial->survivor, &trial->read[2], &is_kept), ERR_DAMAGED);
    assert_int_equal(wal_survivor_meet(&trial->survivor, &trial->read[0], &is_kept), ERR_DAMAGED);
    assert_false(wal_survivor_has_met_all(&trial->survivor));
}

/* ---- what no writer wrote ---- */

static void test_a_payload_that_its_kind_cannot_have(void **state) {
    struct trial *trial = *state;
    static const enum wal_kind kinds[] = {WAL_STATE, WAL_SNAPSHOT, WAL_FORGET};
    entries(trial, 1, 2, 3);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        assert_int_equal(write_record(trial, kinds[i], 2, BYTES_LITERAL("no")), ERR_MALFORMED);
}

#define TRIAL(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

RUN_TESTS_OR_PLANT(
    TRIAL(test_a_gap_of_others_costs_nothing), TRIAL(test_silence_tells_of_what_it_reaches),
    TRIAL(test_the_first_of_two_gaps_counts),
    TRIAL(test_a_truncation_between_two_gaps_is_remembered),
    TRIAL(test_a_truncation_behind_the_gap_leaves_no_gap),
    TRIAL(test_a_truncation_of_an_earlier_gap_is_not),
    TRIAL(test_what_two_gaps_enclose_may_be_truncated),
    TRIAL(test_all_of_what_two_gaps_enclose_may_be_truncated),
    TRIAL(test_a_truncation_voids_not_all_that_two_gaps_enclose),
    TRIAL(test_a_truncation_voids_the_later_of_two_pieces),
    TRIAL(test_a_truncation_voids_no_loss_of_an_earlier_gap),
    TRIAL(test_a_mark_behind_the_gap_is_taken_from_before_it),
    TRIAL(test_a_snapshot_mends_what_was_lost_before_it),
    TRIAL(test_what_is_truncated_need_not_be_there),
    TRIAL(test_what_was_truncated_in_the_gap_need_not_either),
    TRIAL(test_a_snapshot_of_another_log_replaces_this_one), TRIAL(test_an_entry_is_missing),
    TRIAL(test_the_last_entry_is_missing), TRIAL(test_what_two_gaps_enclose_is_lost),
    TRIAL(test_a_loss_outlives_a_gap_of_others), TRIAL(test_a_snapshot_mends_what_two_gaps_enclose),
    TRIAL(test_a_term_behind_the_digest_counts), TRIAL(test_a_jump_leaves_the_shard_in_doubt),
    TRIAL(test_a_floor_rises_in_its_own_term), TRIAL(test_a_floor_never_falls),
    TRIAL(test_it_was_forgotten_in_the_gap), TRIAL(test_it_was_forgotten_behind_the_gap),
    TRIAL(test_a_term_is_one_span), TRIAL(test_an_index_is_met_where_it_stood_last),
    TRIAL(test_another_reading_is_not_believed), TRIAL(test_a_payload_that_its_kind_cannot_have))
