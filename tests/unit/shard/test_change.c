/* Who votes for a shard is changed while it serves. */
#include "../unit.h"
#include "world.h"

static const raft_node_number two[] = {2, 1}, all[] = {1, 2, 3};

static int change(struct world *world, raft_node_number on, const char *voters) {
    raft_node_number numbers[8];
    size_t count = 0;
    for (; voters[count]; count++)
        numbers[count] = (raft_node_number)(voters[count] - '0');
    return shard_change(world_shard(world, on), numbers, count, 0);
}

static bool is_done(struct world *world, raft_node_number on, const raft_node_number *voters,
                    size_t count) {
    return shard_has_voters(world_shard(world, on), voters, count, 0);
}

/* A voter leaves and comes back; meanwhile the others go on, and in the end all are equal. */
static void test_voter_leaves_and_returns(void **state) {
    (void)state;
    struct world *world = world_led(3);
    assert_true(is_done(world, 1, all, 3));
    assert_int_equal(change(world, 2, "12"), ERR_NOT_LEADER);
    assert_int_equal(change(world, 1, "11"), ERR_INVALID);
    assert_int_equal(change(world, 1, "12"), 0);
    assert_false(is_done(world, 1, two, 2));
    world_run(world, 50);
    assert_true(is_done(world, 1, two, 2));
    uint64_t ticket = world_propose(world, 1, "SET k v");
    world_run(world, 50);
    assert_answer(world, ticket, "DONE +OK|");
    assert_false(world_is_equal(world));
    assert_int_equal(change(world, 1, "321"), 0);
    world_run(world, 500);
    assert_true(is_done(world, 1, all, 3));
    assert_true(world_is_equal(world));
    world_free(world);
}

/* Raft's own entry comes between what is applied and a batch that is still being gathered: whoever
 * waits for the batch must not be content with the entry that stands where the batch was to stand.
 */
static void test_batch_keeps_its_readers(void **state) {
    (void)state;
    struct world *world = world_led(3);
    uint64_t written = world_propose(world, 1, "SET k new");
    uint64_t read = world_read(world, 1, "GET k", SHARD_READ_AFTER_WRITES);
    assert_int_equal(change(world, 1, "12"), 0);
    world_run(world, 100);
    assert_answer(world, written, "DONE +OK|");
    assert_answer(world, read, "DONE $3|new|");
    world_free(world);
}

/* A leader that is left out hands over, and is idle once nobody waits for it any more. */
static void test_leader_leaves(void **state) {
    (void)state;
    static const raft_node_number others[] = {2, 3};
    struct world *world = world_led(3);
    assert_int_equal(change(world, 1, "23"), 0);
    world_run(world, 200);
    raft_node_number leader = world_leader(world);
    assert_in_range(leader, 2, 3);
    assert_true(is_done(world, leader, others, 2));
    assert_true(shard_is_idle(world_shard(world, 1)));
    uint64_t ticket = world_propose(world, leader, "SET k v");
    world_run(world, 50);
    assert_answer(world, ticket, "DONE +OK|");
    world_free(world);
}

/* By wish 1 node 3 votes no more; by wish 2 it shall again, and nobody hears it. */
static struct world *world_in_which_3_learns_unheard(void) {
    struct world *world = world_led(3);
    struct shard *shard = world_shard(world, 1);
    assert_int_equal(shard_change(shard, two, 2, 1), 0);
    world_run(world, 100);
    world_cut_off(world, 3, true);
    assert_int_equal(shard_change(shard, all, 3, 2), 0);
    return world;
}

/* The change is given up, and for a while not begun again, as each attempt writes to the log. The
 * learner is told of until it votes. */
static void test_what_was_given_up_waits(void **state) {
    (void)state;
    struct world *world = world_in_which_3_learns_unheard();
    struct shard *shard = world_shard(world, 1);
    for (unsigned i = 0; shard_given_up(shard).learner == 0; i++) {
        assert_in_range(i, 0, 100);
        world_run(world, 100);
    }
    assert_int_equal(shard_given_up(shard).learner, 3);
    assert_int_equal(shard_given_up(shard).cause, RAFT_GIVE_UP_SILENT);
    assert_int_equal(world_counted(world, 1, METRIC_learners_given_up_total, "silent"), 1);
    world_run(world, SHARD_CHANGE_PAUSE_US / 1000 - 200);
    assert_int_equal(shard_change(shard, all, 3, 2), ERR_BUSY);
    world_run(world, 200);
    world_cut_off(world, 3, false);
    assert_int_equal(shard_change(shard, all, 3, 2), 0);
    assert_int_equal(shard_given_up(shard).learner, 3);
    world_run(world, 1000);
    assert_true(shard_has_voters(shard, all, 3, 2));
    assert_int_equal(shard_given_up(shard).learner, 0);
    world_free(world);
}

static void test_another_wish_does_not_wait(void **state) {
    (void)state;
    struct world *world = world_in_which_3_learns_unheard();
    struct shard *shard = world_shard(world, 1);
    world_run(world, 5000);
    assert_int_equal(shard_change(shard, all, 3, 2), ERR_BUSY);
    assert_int_equal(shard_change(shard, two, 2, 3), 0);
    world_run(world, 100);
    assert_int_equal(shard_given_up(shard).learner, 0);
    world_free(world);
}

enum { TOLD_ENTRIES = 30 };

/* Node 3 hears of the entries up to there, and of none behind them. */
static bool is_told_the_beginning(struct world *world, struct letter *letter) {
    (void)world;
    struct raft_message *message = &letter->message;
    if (letter->to != 3)
        return true;
    while (message->entry_count > 0 &&
           message->entries[message->entry_count - 1]->index > TOLD_ENTRIES)
        raft_entry_drop(message->entries[--message->entry_count]);
    return true;
}

/* One that comes back, and forgot the shard when it left, gets the whole log, and learns who votes
 * from the entry that says so. A snapshot of before would name nobody, and could not be started
 * from (simulator seed 968151057). */
static void test_newcomer_takes_no_snapshot_before_it_knows_the_voters(void **state) {
    (void)state;
    struct world *world = world_led_taking(3, WORLD_SNAPSHOT_NEVER);
    world_increment(world, 1, TOLD_ENTRIES);
    assert_int_equal(change(world, 1, "12"), 0);
    world_run(world, 100);
    world_forget(world, 3);
    world->replicas[3].config.snapshot_log_entries = TOLD_ENTRIES / 2;
    world->censor = is_told_the_beginning;
    assert_int_equal(change(world, 1, "123"), 0);
    world_run(world, 100);
    assert_int_equal(world_applied_index(world, 3), TOLD_ENTRIES);
    assert_int_equal(raft_configuration(world_raft(world, 3))->voter_count, 0);
    assert_int_equal(world_snapshot_index(world, 3), 0);
    world_restart(world, 3);
    assert_int_equal(world_counted(world, 3, METRIC_snapshots_lost_total, NULL), 0);

    world->censor = NULL;
    world_run(world, 1000);
    assert_true(is_done(world, 1, all, 3));
    assert_true(world_snapshot_index(world, 3) > TOLD_ENTRIES);
    world_restart(world, 3);
    world_run(world, 500);
    assert_int_equal(world_counted(world, 3, METRIC_snapshots_lost_total, NULL), 0);
    assert_true(world_is_equal(world));
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_what_was_given_up_waits),
          cmocka_unit_test(test_newcomer_takes_no_snapshot_before_it_knows_the_voters),
          cmocka_unit_test(test_another_wish_does_not_wait),
          cmocka_unit_test(test_voter_leaves_and_returns),
          cmocka_unit_test(test_batch_keeps_its_readers), cmocka_unit_test(test_leader_leaves))
