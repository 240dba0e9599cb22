/* A leader that has forgotten what a follower lacks sends it a snapshot, as new as what the leader
 * still has in memory. */
#include "../unit.h"
#include "world.h"

/* What 3 lacks, 1 has in memory and 2 has not when 3 is back, and 2 leads. */
static void away_while_2_forgets(struct world *world) {
    for (raft_node_number i = 1; i <= 3; i++)
        world->replicas[i].config.log_memory_bytes = 1000;
    world_cut_off(world, 3, true);
    world_increment(world, 1, 100);
    assert_true(raft_first_index(world_raft(world, 1)) <=
                raft_last_index(world_raft(world, 3)) + 1);
    assert_true(raft_first_index(world_raft(world, 2)) > raft_last_index(world_raft(world, 3)) + 1);
    world_elect(world, 2);
    world_increment(world, 2, 5);
    world_let_back(world, 3, 2000);
}

/* A snapshot that ends before the log in memory begins would leave a gap: another one is taken, and
 * that is sent. Whoever sends the old one all the same does so for ever. */
static void test_a_snapshot_that_ends_before_the_log_is_not_sent(void **state) {
    (void)state;
    struct world *world = world_led_taking(3, 10);
    world_increment(world, 1, 20);
    world_run(world, 500);
    world_snapshot_after(world, WORLD_SNAPSHOT_NEVER);
    raft_index before = world_snapshot_index(world, 2);
    assert_in_range(before, 1, 30);
    away_while_2_forgets(world);
    assert_true(world_snapshot_index(world, 2) > before);
    assert_true(world_is_equal(world));
    world_free(world);
}

/* A follower forgot what is on all its peers' disks but one's, and came to lead: the one that was
 * away is sent a snapshot as new as what the leader still has, taken for it. */
static void test_taken_for_one_that_needs_what_is_forgotten(void **state) {
    (void)state;
    struct world *world = world_led_taking(3, WORLD_SNAPSHOT_NEVER);
    world_increment(world, 1, 20);
    assert_int_equal(world_snapshot_index(world, 2), 0);
    away_while_2_forgets(world);
    assert_true(world_snapshot_index(world, 2) > 100);
    assert_true(world_is_equal(world));
    /* On the disk is all that the snapshot does not cover. */
    assert_true(world_keeps_up(world, 1, 2));
    world_free(world);
}

/* One that stays away does not fill the leader's memory, though no snapshot bounds the log; when it
 * is back it is sent one. */
static void test_who_stays_away_holds_no_more_than_was_said(void **state) {
    (void)state;
    enum { HELD_BYTES = 20000 };
    struct world *world = world_led_taking(3, WORLD_SNAPSHOT_NEVER);
    for (raft_node_number i = 1; i <= 3; i++) {
        world->replicas[i].config.log_memory_bytes = 1000;
        world->replicas[i].config.log_held_bytes = HELD_BYTES;
    }
    world_cut_off(world, 3, true);
    raft_index lacking = raft_last_index(world_raft(world, 3)) + 1;
    world_increment(world, 1, 100);
    assert_true(raft_first_index(world_raft(world, 1)) <= lacking);
    uint64_t most_bytes = 0;
    for (unsigned i = 0; i < 20; i++) {
        world_increment(world, 1, 100);
        world_run(world, 100); /* it is not waited for as one that was here just now */
        uint64_t bytes = raft_log_bytes(world_raft(world, 1));
        assert_in_range(bytes, 1000, HELD_BYTES * 2);
        most_bytes = bytes > most_bytes ? bytes : most_bytes;
    }
    assert_true(most_bytes >= HELD_BYTES * 3 / 4); /* so much was held */
    assert_true(raft_first_index(world_raft(world, 1)) > lacking);
    world_let_back(world, 3, 4000);
    assert_true(world_snapshot_index(world, 3) > lacking);
    assert_true(world_is_equal(world));
    assert_in_range(raft_log_bytes(world_raft(world, 1)), 0, HELD_BYTES);
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_a_snapshot_that_ends_before_the_log_is_not_sent),
          cmocka_unit_test(test_taken_for_one_that_needs_what_is_forgotten),
          cmocka_unit_test(test_who_stays_away_holds_no_more_than_was_said))
