/* Durability async: who is answered before the disk, who is not, and what becomes of what was lost.
 */
#include "../planting.h"
#include "world.h"

static void keep_little_log(struct world *world) {
    for (raft_node_number i = 1; i <= 3; i++)
        world->replicas[i].config.log_memory_bytes = 1000;
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
    assert_int_equal(world_counted(world, 1, METRIC_async_replies_total, NULL), 2);
    world_hold_disks(world, false);
    world_settle(world);
    assert_answer(world, sync_read, "DONE $1|1|");
    assert_answer(world, sync_write, "DONE +OK|");
    assert_int_equal(world_counted(world, 1, METRIC_async_replies_total, NULL), 2);
    world_run(world, 100);
    assert_true(world_is_equal(world));
    world_free(world);
}

/* Several that wait for the disk: each gets its own reply. */
static void test_each_gets_what_was_held_for_it(void **state) {
    (void)state;
    struct world *world = world_led(3);
    world_hold_disks(world, true);
    uint64_t first = world_propose(world, 1, "INCR n");
    world_propose_async(world, 1, "SET k long-enough");
    world_settle(world);
    uint64_t second = world_read(world, 1, "GET k", 0);
    uint64_t third = world_read(world, 1, "GET n", 0);
    world_settle(world);
    assert_answer(world, first, "");
    assert_answer(world, third, "");
    world_hold_disks(world, false);
    world_settle(world);
    assert_answer(world, first, "DONE :1|");
    assert_answer(world, second, "DONE $11|long-enough|");
    assert_answer(world, third, "DONE $1|1|");
    world_free(world);
}

/* To go back a leader needs its log behind the newest snapshot. Where that was forgotten, nobody is
 * answered early before the next snapshot is taken; from then on the log is kept. */
static void test_not_before_the_log_is_whole(void **state) {
    (void)state;
    struct world *world = world_led(3);
    keep_little_log(world);
    world_increment(world, 1, 50);
    const struct raft *raft = world_raft(world, 1);
    assert_true(raft_first_index(raft) > 1);
    world_hold_disks(world, true);
    uint64_t first = world_propose_async(world, 1, "SET k 1");
    world_settle(world);
    assert_answer(world, first, "");
    world_hold_disks(world, false);
    world_run(world, 1000);
    assert_answer(world, first, "DONE +OK|");
    raft_index snapshot_index = world_snapshot_index(world, 1);
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
    world_increment(world, 1, 50); /* nothing is ahead any more, but something was a moment ago */
    assert_true(snapshot_index + 1 >= raft_first_index(raft));
    world_run(world, SHARD_LOG_KEPT_US / 1000);
    world_increment(world, 1, 50);
    assert_true(snapshot_index + 1 < raft_first_index(raft));
    world_free(world);
}

/* Nor is anything forgotten that comes behind the snapshot that is taken for this, however long
 * that takes. */
static void test_the_log_is_kept_while_that_is_taken(void **state) {
    (void)state;
    struct world *world = world_led(3);
    keep_little_log(world);
    world_write_much(world, 1, 40);
    struct config *config = &world->replicas[1].config;
    config->snapshot_turn_ms = 2000; /* a key each */
    config->snapshot_turn_bytes = 16;
    uint64_t first = world_propose_async(world, 1, "SET k 1");
    world_run(world, 1000);
    assert_answer(world, first, "DONE +OK|");
    assert_true(world_has_logged(world, 1, "snapshot begun"));
    world_run(world, SHARD_LOG_KEPT_US / 1000);
    world_increment(world, 1, 50);
    assert_int_equal(world_snapshot_index(world, 1), 0);
    config->snapshot_turn_ms = 5;
    world_run(world, 4000);
    raft_index snapshot_index = world_snapshot_index(world, 1);
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
    raft_index taken = world_snapshot_index(world, 1);
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
                   cmocka_unit_test(test_each_gets_what_was_held_for_it),
                   cmocka_unit_test(test_not_before_the_log_is_whole),
                   cmocka_unit_test(test_the_log_is_kept_while_that_is_taken),
                   cmocka_unit_test(test_entry_of_both_kinds),
                   cmocka_unit_test(test_needs_a_majority),
                   cmocka_unit_test(test_stalled_disks_bound_the_risk),
                   cmocka_unit_test(test_late_synchronous_read),
                   cmocka_unit_test(test_late_synchronous_write),
                   cmocka_unit_test(test_deposed_leader_answers_in_time),
                   cmocka_unit_test(test_snapshot_waits_for_the_disks))
