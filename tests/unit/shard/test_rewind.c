/* Going back: what becomes of a leader that answered what was lost before it was on disk. */
#include "../unit.h"
#include "world.h"

enum { LONG_KEYS = 60, LONG_VALUE_BYTES = 900, STEP_MS = 5 };

static void write_long_values(struct world *world, char fill) {
    for (unsigned i = 0; i < LONG_KEYS; i++) {
        char command[LONG_VALUE_BYTES + 32];
        int length = snprintf(command, sizeof command, "SET k%u ", i);
        memset(command + length, fill, LONG_VALUE_BYTES);
        command[length + LONG_VALUE_BYTES] = '\0';
        world_write(world, 1, command);
    }
}

/* Each turn of 1's snapshots takes one of the long values. Returns how long they were before. */
static int64_t keys_take_turns_of_ms(struct world *world, int64_t turn_ms) {
    struct config *config = &world->replicas[1].config;
    int64_t before_ms = config->snapshot_turn_ms;
    config->snapshot_turn_ms = turn_ms;
    config->snapshot_turn_bytes = 16;
    return before_ms;
}

/* Only the leader, 1, and 2 receive what is written next, and no disk does. */
static void cut_off_from_the_disks(struct world *world) {
    world_cut_off(world, 3, true);
    world_hold_disks(world, true);
}

/* So is this, and answered all the same. */
static void answer_before_the_disks(struct world *world, const char *command, const char *reply) {
    cut_off_from_the_disks(world);
    uint64_t lost = world_propose_async(world, 1, command);
    world_settle(world);
    assert_answer(world, lost, reply);
}

/* 2 loses that with its memory, and goes on with 3 and without 1. */
static void lose_it(struct world *world) {
    world_kill(world, 2);
    world_cut_off(world, 3, false);
    world_cut_off(world, 1, true);
    world_hold_disks(world, false);
    world_start(world, 2);
    world_run(world, 3000);
}

/* Leader 1 and follower 2 have received a write; 2 loses it with its memory, 1 is cut off. The
 * others go on without it. When 1 hears of them it goes back, and never shows again what was lost;
 * who waited for the disk there hears that the write's outcome is unknown and that the read was
 * none. */
static void test_lost_write_is_taken_back(void **state) {
    (void)state;
    struct world *world = world_led(3);
    uint64_t kept = world_propose(world, 1, "SET k kept");
    world_run(world, 100);
    assert_answer(world, kept, "DONE +OK|");
    answer_before_the_disks(world, "SET k lost", "DONE +OK|");
    uint64_t lost_sync = world_propose(world, 1, "APPEND k !");
    uint64_t lost_async = world_propose_async(world, 1, "STRLEN k");
    world_settle(world);
    assert_answer(world, lost_async, "DONE :5|");
    uint64_t read = world_read(world, 1, "GET k", 0);
    world_settle(world);
    assert_answer(world, read, "");
    lose_it(world);
    raft_node_number leader = shard_is_leader(world_shard(world, 2)) ? 2 : 3;
    assert_true(shard_is_leader(world_shard(world, leader)));
    uint64_t after = world_propose(world, leader, "GET k");
    world_run(world, 50);
    assert_answer(world, after, "DONE $4|kept|");
    world_let_back(world, 1, 1000);
    assert_true(world_has_logged(world, 1, "going back"));
    assert_int_equal(world_counted(world, 1, METRIC_rewinds_total, NULL), 1);
    assert_int_equal(world_counted(world, 3, METRIC_rewinds_total, NULL), 0);
    assert_true(world_is_equal(world));
    assert_answer(world, lost_sync, "UNKNOWN");
    assert_answer(world, read, "NOT_EXECUTED");
    world_free(world);
}

/* The same with a snapshot: what the machine is built from is the snapshot and the log behind it.
 */
static void test_goes_back_to_the_snapshot(void **state) {
    (void)state;
    struct world *world = world_led(3);
    for (unsigned i = 0; i < 40; i++) {
        world_write(world, 1, "INCR n");
        if (i == 20) {
            shard_take_snapshot(world_shard(world, 1));
            world_run(world, 50);
            assert_int_not_equal(world_snapshot_index(world, 1), 0);
        }
    }
    world_run(world, 100);
    answer_before_the_disks(world, "SET n 1000", "DONE +OK|");
    lose_it(world);
    world_let_back(world, 1, 1000);
    assert_true(world_has_logged(world, 1, "going back"));
    assert_true(world_is_equal(world));
    raft_node_number leader = world_leader(world);
    uint64_t after = world_propose(world, leader, "INCR n");
    world_run(world, 50);
    assert_answer(world, after, "DONE :41|");
    world_free(world);
}

/* Leader 1 has answered what is lost then, in a shard whose snapshot and log take many turns. */
static struct world *about_to_go_back(void) {
    struct world *world = world_led(3);
    world->replicas[1].config.snapshot_turn_bytes = 256;
    write_long_values(world, 'a');
    shard_take_snapshot(world_shard(world, 1));
    world_run(world, 2000);
    assert_int_not_equal(world_snapshot_index(world, 1), 0);
    write_long_values(world, 'b');
    world_run(world, 100);
    answer_before_the_disks(world, "SET k1 lost", "DONE +OK|");
    lose_it(world);
    world_cut_off(world, 1, false);
    for (unsigned i = 0; i < 1000 && !world_has_logged(world, 1, "going back"); i++)
        world_run(world, STEP_MS);
    return world;
}

/* Too many files are open when it is to read the snapshot: that passes, and is no reason for the
 * node to end. */
static void test_waits_for_what_it_cannot_open_now(void **state) {
    (void)state;
    struct world *world = world_led(3);
    write_long_values(world, 'a');
    shard_take_snapshot(world_shard(world, 1));
    world_run(world, 2000);
    answer_before_the_disks(world, "SET k1 lost", "DONE +OK|");
    lose_it(world);
    struct fake_disk *disk = world->replicas[1].disk;
    disk->no_open = ERR_BUSY;
    world_let_back(world, 1, 2000);
    assert_true(world_has_logged(world, 1, "going back"));
    assert_false(world_is_equal(world));
    disk->no_open = 0;
    world_run(world, 30000);
    assert_true(world_has_logged(world, 1, "went back"));
    assert_true(world_is_equal(world));
    world_free(world);
}

/* No turn does much of it, so the loop's other shards go on; until it is done nothing is read. */
static void test_goes_back_turn_by_turn(void **state) {
    (void)state;
    struct world *world = about_to_go_back();
    struct shard *shard = world_shard(world, 1);
    raft_index committed = raft_commit_index(shard_raft(shard)), before = 0;
    assert_false(shard_is_settled(shard));
    assert_false(shard_is_idle(shard));
    uint64_t read = world_read(world, 1, "STRLEN k1", SHARD_READ_ON_FOLLOWER);
    unsigned turns = 0;
    for (; !world_has_logged(world, 1, "went back"); turns++) {
        assert_in_range(turns, 0, 1000);
        before = shard_applied_index(shard);
        world_run(world, STEP_MS);
        bool is_there = shard_applied_index(shard) >= committed;
        assert_true(is_there || strcmp(world_answer(world, read), "") == 0);
        assert_in_range(shard_applied_index(shard) - before, 0, LONG_KEYS / 2);
    }
    assert_in_range(turns, 5, 1000);
    world_run(world, 100);
    assert_answer(world, read, "DONE :900|");
    assert_true(shard_is_settled(shard) && shard_is_idle(shard));
    assert_true(world_is_equal(world));
    world_free(world);
}

/* It was taking a snapshot, of which no more can be had: another one is taken when it is back. */
static void test_goes_back_while_a_snapshot_is_taken(void **state) {
    (void)state;
    struct world *world = world_led(3);
    write_long_values(world, 'a');
    world_run(world, 100);
    int64_t turn_ms = keys_take_turns_of_ms(world, 500);
    shard_take_snapshot(world_shard(world, 1));
    answer_before_the_disks(world, "SET k1 lost", "DONE +OK|");
    lose_it(world);
    assert_int_equal(world_snapshot_index(world, 1), 0);
    keys_take_turns_of_ms(world, turn_ms);
    world_let_back(world, 1, 1000);
    assert_true(world_has_logged(world, 1, "went back"));
    assert_int_equal(world_snapshot_index(world, 1), 0);
    world_take_snapshot(world, 1);
    world_restart(world, 1);
    world_run(world, 1000);
    assert_true(world_is_equal(world));
    world_free(world);
}

/* What it goes back to is overtaken by a snapshot that comes in, which is small. */
static void test_a_snapshot_ends_the_going_back(void **state) {
    (void)state;
    struct world *world = about_to_go_back();
    raft_node_number leader = world_leader(world);
    world->replicas[1].config.snapshot_turn_bytes = 16; /* a small one is loaded at once */
    world_cut_off(world, 1, true);
    world_write(world, leader, "FLUSHALL");
    for (unsigned i = 0; i < 100; i++)
        world_write(world, leader, "INCR n");
    world_run(world, 100);
    world_take_snapshot(world, leader);
    world_cut_off(world, 1, false);
    for (unsigned i = 0; world_counted(world, 1, METRIC_snapshots_installed_total, NULL) == 0;
         i++) {
        assert_in_range(i, 0, 1000);
        world_run(world, STEP_MS);
    }
    assert_false(world_has_logged(world, 1, "went back"));
    world_run(world, 1000);
    assert_false(world_has_logged(world, 1, "went back"));
    assert_true(shard_is_settled(world_shard(world, 1)) && shard_is_idle(world_shard(world, 1)));
    assert_true(world_is_equal(world));
    world_free(world);
}

/* It comes to lead before it is done: what it reads is as new as all that is committed. */
static void test_leads_while_it_goes_back(void **state) {
    (void)state;
    struct world *world = about_to_go_back();
    struct shard *shard = world_shard(world, 1);
    raft_node_number leader = world_leader(world);
    shard_transfer(world_shard(world, leader), 1, "asked");
    world_settle(world);
    assert_true(shard_is_leader(shard));
    assert_false(world_has_logged(world, 1, "went back"));
    uint64_t read = world_read(world, 1, "STRLEN k1", 0);
    world_settle(world);
    assert_answer(world, read, "");
    world_run(world, 1000);
    assert_true(world_has_logged(world, 1, "went back"));
    assert_answer(world, read, "DONE :900|");
    uint64_t written = world_propose(world, 1, "APPEND k1 !");
    world_run(world, 100);
    assert_answer(world, written, "DONE :901|");
    assert_true(world_is_equal(world));
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_lost_write_is_taken_back),
          cmocka_unit_test(test_goes_back_to_the_snapshot),
          cmocka_unit_test(test_goes_back_turn_by_turn),
          cmocka_unit_test(test_waits_for_what_it_cannot_open_now),
          cmocka_unit_test(test_goes_back_while_a_snapshot_is_taken),
          cmocka_unit_test(test_a_snapshot_ends_the_going_back),
          cmocka_unit_test(test_leads_while_it_goes_back))
