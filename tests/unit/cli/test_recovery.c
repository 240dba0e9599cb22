/* Nodes are lost for good: which replica of what is left is to make a shard go on, by what the
 * nodes say of their logs. */
#include "cli/cluster/recovery.h"

#include "../unit.h"

enum { SHARD = 1, LINES = 3 };

/* A cluster in which shard 1 is wanted on some nodes, and what some of its nodes say of it. */
struct bench {
    struct recovery recovery;
    struct status_shard shard;
    struct voters lines[LINES];
};

static void want(struct bench *bench, bool is_settled, unsigned count, const uint32_t *nodes) {
    *bench = (struct bench){.shard = {.number = SHARD, .is_settled = is_settled}};
    bench->shard.replica_count = count;
    memcpy(bench->shard.replicas, nodes, count * sizeof *nodes);
}

/* Node `number` is left, and has this replica. */
static void leave(struct bench *bench, uint32_t number, struct voters line) {
    struct recovery *recovery = &bench->recovery;
    unsigned i = recovery->survivor_count++;
    assert_true(i < LINES);
    bench->lines[i] = line;
    bench->lines[i].shard = SHARD;
    recovery->voters[i] = (struct voters_list){.replicas = &bench->lines[i], .count = 1};
    recovery->survivors[i].self = number;
    recovery->survivors[i].shards = &bench->shard;
    recovery->survivors[i].shard_count = 1;
    recovery->newest = &recovery->survivors[0];
}

#define OF_THREE .members = {.voter_count = 3, .voters = {1, 2, 3}}
#define TO_THE_FIRST                                                                               \
    .members = {.voter_count = 1, .voters = {1}, .old_voter_count = 3, .old_voters = {1, 2, 3}}

static void expect_begins(const struct bench *bench, uint32_t node) {
    uint32_t best;
    assert_int_equal(recovery_fate(&bench->recovery, &bench->shard, &best), RECOVERY_BEGINS);
    assert_int_equal(best, node);
}

static void the_most_advanced_goes_on(void **state) {
    (void)state;
    struct bench bench;
    want(&bench, true, 5, (const uint32_t[]){1, 2, 3, 4, 5});
    const struct raft_configuration members = {.voter_count = 5, .voters = {1, 2, 3, 4, 5}};
    leave(&bench, 1, (struct voters){.last_term = 4, .last_index = 70, .members = members});
    leave(&bench, 2, (struct voters){.last_term = 5, .last_index = 60, .members = members});
    expect_begins(&bench, 2);
    leave(&bench, 3, (struct voters){.last_term = 5, .last_index = 50, .members = members});
    uint32_t best;
    assert_int_equal(recovery_fate(&bench.recovery, &bench.shard, &best), RECOVERY_GOES_ON);
}

/* The third one has no more than a part of its log, and all of a snapshot that it loads: chosen
 * now, the second one would go on without what is in that. */
static void who_takes_in_a_newer_snapshot_is_waited_for(void **state) {
    (void)state;
    struct bench bench;
    uint32_t shard, node;
    want(&bench, true, 3, (const uint32_t[]){1, 2, 3});
    leave(&bench, 2, (struct voters){.last_term = 5, .last_index = 60, OF_THREE});
    leave(&bench, 3, (struct voters){.last_term = 5, .last_index = 10, OF_THREE});
    assert_false(recovery_is_coming(&bench.recovery, &shard, &node)); /* of two it is a majority */
    bench.recovery.survivor_count = 0;
    const struct raft_configuration five = {.voter_count = 5, .voters = {1, 2, 3, 4, 5}};
    leave(&bench, 2, (struct voters){.last_term = 5, .last_index = 60, .members = five});
    leave(&bench, 3, (struct voters){.last_term = 5, .last_index = 10, .members = five});
    assert_false(recovery_is_coming(&bench.recovery, &shard, &node));
    bench.lines[1].coming_term = 5;
    bench.lines[1].coming_index = 60;
    assert_false(recovery_is_coming(&bench.recovery, &shard, &node));
    bench.lines[1].coming_term = 4; /* of a leader before */
    bench.lines[1].coming_index = 1000;
    assert_false(recovery_is_coming(&bench.recovery, &shard, &node));
    bench.lines[1].coming_term = 5;
    bench.lines[1].coming_index = 61;
    assert_true(recovery_is_coming(&bench.recovery, &shard, &node));
    assert_int_equal(shard, SHARD);
    assert_int_equal(node, 3);
}

/* A learner that knows of nobody yet is nothing, until its first snapshot is there. */
static void so_is_a_learner_that_has_nothing_else(void **state) {
    (void)state;
    struct bench bench;
    uint32_t shard, node;
    want(&bench, false, 2, (const uint32_t[]){1, 2});
    leave(&bench, 2, (struct voters){.coming_term = 5, .coming_index = 100});
    assert_int_equal(recovery_fate(&bench.recovery, &bench.shard, &node), RECOVERY_HAS_NOTHING);
    assert_true(recovery_is_coming(&bench.recovery, &shard, &node));
    assert_int_equal(node, 2);
}

/* Made fewer, and the one that is left alone is lost. While that is not settled an old replica goes
 * on; once it is, the old ones lack what was agreed without them, the control shard lets none of
 * them go on alone, and none is offered. */
static void an_old_replica_of_a_settled_shard_does_not_count(void **state) {
    (void)state;
    struct bench bench;
    uint32_t node = 0;
    for (int is_settled = 0; is_settled <= 1; is_settled++) {
        want(&bench, is_settled, 1, (const uint32_t[]){1});
        leave(&bench, 3, (struct voters){.last_term = 5, .last_index = 50, OF_THREE});
        leave(&bench, 2, (struct voters){.last_term = 5, .last_index = 60, TO_THE_FIRST});
        if (!is_settled) {
            expect_begins(&bench, 2);
            assert_false(recovery_has_old(&bench.recovery, &bench.shard, &node));
        }
    }
    assert_int_equal(recovery_fate(&bench.recovery, &bench.shard, &node), RECOVERY_HAS_NOTHING);
    assert_true(recovery_has_old(&bench.recovery, &bench.shard, &node));
    assert_int_equal(node, 3);
}

/* Nor does one that has more than any that counts. */
static void not_even_if_it_has_more(void **state) {
    (void)state;
    struct bench bench;
    want(&bench, true, 3, (const uint32_t[]){2, 3, 4});
    const struct raft_configuration members = {.voter_count = 3, .voters = {2, 3, 4}};
    leave(&bench, 1, (struct voters){.last_term = 5, .last_index = 61, .members = members});
    leave(&bench, 2, (struct voters){.last_term = 5, .last_index = 60, .members = members});
    expect_begins(&bench, 2);
}

/* Nor is it half of a majority, by the log of one that has not heard of the change: it would not
 * vote for that one, and is no voter itself. */
static void nor_as_a_voter_of_before(void **state) {
    (void)state;
    struct bench bench;
    want(&bench, true, 3, (const uint32_t[]){1, 3, 4});
    const struct raft_configuration members = {.voter_count = 3, .voters = {1, 3, 4}};
    leave(&bench, 1, (struct voters){.last_term = 3, .last_index = 159, OF_THREE});
    leave(&bench, 2, (struct voters){.last_term = 4, .last_index = 163, .members = members});
    expect_begins(&bench, 1);
}

RUN_TESTS(cmocka_unit_test(the_most_advanced_goes_on),
          cmocka_unit_test(who_takes_in_a_newer_snapshot_is_waited_for),
          cmocka_unit_test(so_is_a_learner_that_has_nothing_else),
          cmocka_unit_test(an_old_replica_of_a_settled_shard_does_not_count),
          cmocka_unit_test(not_even_if_it_has_more), cmocka_unit_test(nor_as_a_voter_of_before))
