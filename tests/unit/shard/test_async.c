/* Durability async: who is answered before the disk, who is not, and what becomes of what was lost.
 */
#include "../planting.h"
#include "base/memory.h"
#include "world.h"

/* Only the leader, 1, and 2 receive what is written next, and no disk does. */
static void cut_off_from_the_disks(struct world *world) {
    world_cut_off(world, 3, true);
    world_hold_disks(world, true);
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

static void write_some(struct world *world) {
    for (unsigned i = 0; i < 50; i++)
        world_write(world, 1, "INCR n");
}

static void keep_little_log(struct world *world) {
    for (raft_node_number i = 1; i <= 3; i++)
        world->replicas[i].config.log_memory_bytes = 1000;
}

/* Each turn of 1's snapshots takes one of the long values. Returns how long they were before. */
static int64_t keys_take_turns_of_ms(struct world *world, int64_t turn_ms) {
    struct config *config = &world->replicas[1].config;
    int64_t before_ms = config->snapshot_turn_ms;
    config->snapshot_turn_ms = turn_ms;
    config->snapshot_turn_bytes = 16;
    return before_ms;
}

/* No disk writes. The asynchronous write is answered, by the memory of a majority; the synchronous
 * one is not, and neither is a synchronous read of what is on no disk. */
static void test_answered_before_the_disk(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world_hold_disks(world, true);
    uint64_t written = world_propose_async(world, 1, "SET k 1");
    world_settle(world);
    assert_answer(world, written, "DONE +OK|");
    uint64_t sync_read = world_read(world, 1, "GET k", 0);
    world->is_async = true;
    uint64_t async_read = world_read(world, 1, "GET k", 0);
    world->is_async = false;
    uint64_t sync_write = world_propose(world, 1, "SET k 2");
    world_settle(world);
    assert_answer(world, async_read, "DONE $1|1|");
    assert_answer(world, sync_read, "");
    assert_answer(world, sync_write, "");
    world_hold_disks(world, false);
    world_settle(world);
    assert_answer(world, sync_read, "DONE $1|1|");
    assert_answer(world, sync_write, "DONE +OK|");
    world_run(world, 100);
    assert_true(world_is_equal(world));
    world_free(world);
}

/* To go back a leader needs its log behind the newest snapshot. Where that was forgotten, nobody is
 * answered early before the next snapshot is taken; from then on the log is kept. */
static void test_not_before_the_log_is_whole(void **state) {
    (void)state;
    struct world *world = world_led(3);
    keep_little_log(world);
    write_some(world);
    const struct raft *raft = world_raft(world, 1);
    assert_true(raft_first_index(raft) > 1);
    world_hold_disks(world, true);
    uint64_t first = world_propose_async(world, 1, "SET k 1");
    world_settle(world);
    assert_answer(world, first, "");
    world_hold_disks(world, false);
    world_run(world, 1000);
    assert_answer(world, first, "DONE +OK|");
    raft_index snapshot_index = shard_snapshot_index(world_shard(world, 1));
    assert_true(snapshot_index + 1 >= raft_first_index(raft));
    for (unsigned i = 0; i < 50; i++) {
        world_propose_async(world, 1, "INCR n");
        world_settle(world);
    }
    assert_true(snapshot_index + 1 >= raft_first_index(raft));
    world_hold_disks(world, true);
    uint64_t early = world_propose_async(world, 1, "SET k 2");
    world_settle(world);
    assert_answer(world, early, "DONE +OK|");
    world_hold_disks(world, false);
    world_settle(world);
    write_some(world); /* nothing is ahead any more, but something was a moment ago */
    assert_true(snapshot_index + 1 >= raft_first_index(raft));
    world_run(world, SHARD_LOG_KEPT_US / 1000);
    write_some(world);
    assert_true(snapshot_index + 1 < raft_first_index(raft));
    world_free(world);
}

/* Nor is anything forgotten that comes behind the snapshot that is taken for this, however long
 * that takes. */
static void test_the_log_is_kept_while_that_is_taken(void **state) {
    (void)state;
    struct world *world = world_led(3);
    keep_little_log(world);
    write_long_values(world, 'a');
    int64_t turn_ms = keys_take_turns_of_ms(world, 2000);
    uint64_t first = world_propose_async(world, 1, "SET k 1");
    world_run(world, 1000);
    assert_answer(world, first, "DONE +OK|");
    assert_true(world_has_logged(world, 1, "snapshot begun"));
    world_run(world, SHARD_LOG_KEPT_US / 1000);
    write_some(world);
    assert_int_equal(shard_snapshot_index(world_shard(world, 1)), 0);
    keys_take_turns_of_ms(world, turn_ms);
    world_run(world, 4000);
    raft_index snapshot_index = shard_snapshot_index(world_shard(world, 1));
    assert_int_not_equal(snapshot_index, 0);
    assert_true(snapshot_index + 1 >= raft_first_index(world_raft(world, 1)));
    world_free(world);
}

/* One turn, one entry, both kinds in it: each is answered by its own rule. */
static void test_entry_of_both_kinds(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world_hold_disks(world, true);
    uint64_t sync = world_propose(world, 1, "INCR n");
    uint64_t async = world_propose_async(world, 1, "INCR n");
    world_settle(world);
    assert_answer(world, async, "DONE :2|");
    assert_answer(world, sync, "");
    world_hold_disks(world, false);
    world_settle(world);
    assert_answer(world, sync, "DONE :1|");
    world_free(world);
}

/* A majority is needed all the same: a leader alone answers nobody. */
static void test_needs_a_majority(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world_cut_off(world, 1, true);
    uint64_t written = world_propose_async(world, 1, "SET k 1");
    world_settle(world);
    assert_answer(world, written, "");
    world_free(world);
}

/* The disks stall. What was answered is at risk for as long, but nothing more is answered past the
 * time that was promised, until they have caught up. */
static void test_stalled_disks_bound_the_risk(void **state) {
    (void)state;
    struct world *world = world_led(3);
    for (raft_node_number i = 1; i <= 3; i++)
        world->replicas[i].config.durability_async_ms = 20;
    world_hold_disks(world, true);
    uint64_t early = world_propose_async(world, 1, "INCR n");
    world_run(world, 15);
    assert_answer(world, early, "DONE :1|");
    uint64_t still_early = world_propose_async(world, 1, "INCR n");
    world_run(world, 15);
    assert_answer(world, still_early, "DONE :2|");
    uint64_t late = world_propose_async(world, 1, "INCR n");
    world_run(world, 30);
    assert_answer(world, late, "");
    world_hold_disks(world, false);
    world_settle(world);
    assert_answer(world, late, "DONE :3|");
    /* They have caught up: what is at risk from now on has all of the time. */
    world_run(world, 100);
    world_hold_disks(world, true);
    uint64_t early_again = world_propose_async(world, 1, "INCR n");
    world_settle(world);
    assert_answer(world, early_again, "DONE :4|");
    world_hold_disks(world, false);
    world_settle(world);
    world_free(world);
}

/* A synchronous read has the patience that asynchronous writes are given, and its own beside it.
 * When that is over nothing is wrong with the shard: to look for another leader would not help. */
static void test_late_synchronous_read(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world->replicas[1].config.durability_async_ms = 3000;
    world->replicas[1].config.read_timeout_ms = 2000;
    world_hold_disks(world, true);
    uint64_t written = world_propose_async(world, 1, "SET k 1");
    world_settle(world);
    assert_answer(world, written, "DONE +OK|");
    uint64_t early = world_read(world, 1, "GET k", 0);
    world_run(world, 4900);
    assert_answer(world, early, "");
    world_run(world, 200);
    assert_non_null(strstr(world_answer(world, early), "DONE -TRYAGAIN what this read saw"));
    assert_true(shard_is_leader(world_shard(world, 1)));
    world_hold_disks(world, false);
    world_settle(world);
    assert_answer(world, world_read(world, 1, "GET k", 0), "DONE $1|1|");
    world_free(world);
}

/* Two that wait for the disk in vain: a write, which went to the others in one entry with one that
 * does not wait, and a read of both. */
struct waiting {
    struct world *world;
    uint64_t write, read;
};

static struct waiting waiting_for_the_disk(void) {
    struct world *world = world_led(3);
    world->replicas[1].config.write_timeout_ms = 5000;
    world_hold_disks(world, true);
    struct waiting waiting = {.world = world, .write = world_propose(world, 1, "INCR n")};
    uint64_t early = world_propose_async(world, 1, "INCR n");
    world_settle(world);
    assert_answer(world, early, "DONE :2|");
    waiting.read = world_read(world, 1, "GET n", 0);
    world_run(world, 1000);
    assert_answer(world, waiting.write, "");
    assert_answer(world, waiting.read, "");
    return waiting;
}

/* Whether the write will be done nobody knows. */
static void test_late_synchronous_write(void **state) {
    (void)state;
    struct waiting waiting = waiting_for_the_disk();
    world_run(waiting.world, 3900);
    assert_answer(waiting.world, waiting.write, "");
    world_run(waiting.world, 200);
    assert_true(shard_is_leader(world_shard(waiting.world, 1)));
    assert_answer(waiting.world, waiting.write, "UNKNOWN");
    world_free(waiting.world);
}

/* Nor does a leader that is cut off, and ceases to be one; but a read was none, and may be sent to
 * another. */
static void test_deposed_leader_answers_in_time(void **state) {
    (void)state;
    struct waiting waiting = waiting_for_the_disk();
    world_cut_off(waiting.world, 1, true);
    world_run(waiting.world, 10000);
    assert_false(shard_is_leader(world_shard(waiting.world, 1)));
    assert_answer(waiting.world, waiting.write, "UNKNOWN");
    assert_answer(waiting.world, waiting.read, "NOT_EXECUTED");
    assert_true(shard_is_idle(world_shard(waiting.world, 1)));
    world_free(waiting.world);
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
    cut_off_from_the_disks(world);
    uint64_t lost = world_propose_async(world, 1, "SET k lost");
    world_settle(world);
    assert_answer(world, lost, "DONE +OK|");
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
    world_cut_off(world, 1, false);
    world_run(world, 1000);
    assert_true(world_has_logged(world, 1, "going back"));
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
            assert_int_not_equal(shard_snapshot_index(world_shard(world, 1)), 0);
        }
    }
    world_run(world, 100);
    cut_off_from_the_disks(world);
    world_propose_async(world, 1, "SET n 1000");
    world_settle(world);
    lose_it(world);
    world_cut_off(world, 1, false);
    world_run(world, 1000);
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
    assert_int_not_equal(shard_snapshot_index(world_shard(world, 1)), 0);
    write_long_values(world, 'b');
    world_run(world, 100);
    cut_off_from_the_disks(world);
    uint64_t lost = world_propose_async(world, 1, "SET k1 lost");
    world_settle(world);
    assert_answer(world, lost, "DONE +OK|");
    lose_it(world);
    world_cut_off(world, 1, false);
    for (unsigned i = 0; i < 1000 && !world_has_logged(world, 1, "going back"); i++)
        world_run(world, STEP_MS);
    return world;
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
    cut_off_from_the_disks(world);
    world_propose_async(world, 1, "SET k1 lost");
    world_settle(world);
    lose_it(world);
    assert_int_equal(shard_snapshot_index(world_shard(world, 1)), 0);
    keys_take_turns_of_ms(world, turn_ms);
    world_cut_off(world, 1, false);
    world_run(world, 1000);
    assert_true(world_has_logged(world, 1, "went back"));
    assert_int_equal(shard_snapshot_index(world_shard(world, 1)), 0);
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

/* A snapshot holds committed entries only: one that is asked for while the leader is ahead waits
 * until the disks have caught up, and so does who would be answered early meanwhile. */
static void test_snapshot_waits_for_the_disks(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world_hold_disks(world, true);
    uint64_t early = world_propose_async(world, 1, "INCR n");
    world_settle(world);
    assert_answer(world, early, "DONE :1|");
    shard_take_snapshot(world_shard(world, 1));
    uint64_t meanwhile = world_propose_async(world, 1, "INCR n");
    world_settle(world);
    assert_answer(world, meanwhile, "");
    world_hold_disks(world, false);
    world_run(world, 50);
    assert_answer(world, meanwhile, "DONE :2|");
    raft_index taken = shard_snapshot_index(world_shard(world, 1));
    assert_int_not_equal(taken, 0);
    assert_true(taken <= raft_commit_index(world_raft(world, 1)));
    world_free(world);
}

/* A replica whose commit index never moves again: a reply that was held and given up keeps it from
 * being removed no longer. */
static void test_given_up_replies_keep_no_replica(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world_hold_disks(world, true);
    world_propose_async(world, 1, "SET k 1");
    world_settle(world);
    world_read(world, 1, "GET k", 0);
    world_settle(world);
    assert_false(shard_is_idle(world_shard(world, 1)));
    world_run(world, 3000);
    assert_true(shard_is_idle(world_shard(world, 1)));
    world_free(world);
}

RUN_TESTS_OR_PLANT(cmocka_unit_test(test_given_up_replies_keep_no_replica),
                   cmocka_unit_test(test_answered_before_the_disk),
                   cmocka_unit_test(test_not_before_the_log_is_whole),
                   cmocka_unit_test(test_the_log_is_kept_while_that_is_taken),
                   cmocka_unit_test(test_entry_of_both_kinds),
                   cmocka_unit_test(test_needs_a_majority),
                   cmocka_unit_test(test_stalled_disks_bound_the_risk),
                   cmocka_unit_test(test_late_synchronous_read),
                   cmocka_unit_test(test_late_synchronous_write),
                   cmocka_unit_test(test_deposed_leader_answers_in_time),
                   cmocka_unit_test(test_lost_write_is_taken_back),
                   cmocka_unit_test(test_goes_back_to_the_snapshot),
                   cmocka_unit_test(test_goes_back_turn_by_turn),
                   cmocka_unit_test(test_goes_back_while_a_snapshot_is_taken),
                   cmocka_unit_test(test_a_snapshot_ends_the_going_back),
                   cmocka_unit_test(test_leads_while_it_goes_back),
                   cmocka_unit_test(test_snapshot_waits_for_the_disks))
