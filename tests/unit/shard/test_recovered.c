/* A shard that lost its majority goes on from one replica alone, while snapshots of before are on
 * their way: what they hold behind that replica's log was given up with the majority. */
#include "../unit.h"
#include "store/snapshot/names.h"
#include "world.h"

enum { KEYS = 40, WISH = 9, LOADING_MS = 60000, LAST_BYTES = 20000 };

static uint64_t loaded_bytes(struct world *world, raft_node_number number) {
    return world_counted(world, number, METRIC_snapshot_loaded_bytes_total, NULL);
}

static uint64_t installed(struct world *world, raft_node_number number) {
    return world_counted(world, number, METRIC_snapshots_installed_total, NULL);
}

/* All of it has come, and it takes some seconds to load. */
static void run_until_it_loads(struct world *world, raft_node_number number) {
    for (unsigned i = 0; i < 400 && loaded_bytes(world, number) == 0; i++)
        world_run(world, 5);
    assert_true(loaded_bytes(world, number) > 0);
    assert_int_equal(installed(world, number), 0);
}

static void load_slowly(struct world *world, raft_node_number number) {
    world->replicas[number].config.snapshot_turn_ms = 100;
    world->replicas[number].config.snapshot_turn_bytes = 1024;
}

/* Asked again and again, as its node does. */
static void goes_on_alone(struct world *world, raft_node_number number) {
    struct shard *shard = world_shard(world, number);
    for (unsigned i = 0; i < LOADING_MS / 50 && shard_recover_alone(shard, WISH) != 0; i++)
        world_run(world, 50);
    assert_int_equal(shard_recover_alone(shard, WISH), 0);
    world_run(world, 2000);
    assert_true(shard_is_leader(shard));
}

/* The one that goes on has all of a snapshot by then, and loads it: it goes on with that. What it
 * acknowledges afterwards is not undone by it. */
static void test_a_snapshot_that_loads_undoes_nothing(void **state) {
    (void)state;
    struct world *world = world_led_taking(3, WORLD_SNAPSHOT_NEVER);
    world_cut_off(world, 3, true);
    world_write_much(world, 1, KEYS);
    world_take_snapshot(world, 1);
    raft_index index = world_snapshot_index(world, 1);
    load_slowly(world, 3);
    world_cut_off(world, 3, false);
    assert_int_equal(shard_coming_in(world_shard(world, 3)).index, 0);
    run_until_it_loads(world, 3);
    assert_int_equal(shard_coming_in(world_shard(world, 3)).index, index);
    assert_int_equal(shard_coming_in(world_shard(world, 3)).term,
                     world_newest_snapshot(world, 1)->meta.term);
    world_kill(world, 1);
    world_kill(world, 2);
    world_run(world, 1500);
    assert_int_equal(installed(world, 3), 0);
    goes_on_alone(world, 3);
    assert_int_equal(shard_coming_in(world_shard(world, 3)).index, 0);
    uint64_t written = world_propose(world, 3, "SET k v");
    world_run(world, 50);
    assert_answer(world, written, "DONE +OK|");
    world_run(world, LOADING_MS);
    assert_answer(world, world_read(world, 3, "GET k", 0), "DONE $1|v|");
    assert_true(world_applied_index(world, 3) > index);
    world_restart_leading(world, 3);
    assert_answer(world, world_read(world, 3, "GET k", 0), "DONE $1|v|");
    world_free(world);
}

/* 1 votes alone, 3 loads its snapshot to become a voter again, 2 is far behind. */
static struct world *world_in_which_3_loads_and_2_is_behind(void) {
    struct world *world = world_led_taking(3, WORLD_SNAPSHOT_NEVER);
    struct shard *first = world_shard(world, 1);
    assert_int_equal(shard_change(first, (const raft_node_number[]){1}, 1, 1), 0);
    world_run(world, 200);
    world_cut_off(world, 2, true);
    world_write_much(world, 1, KEYS);
    world_take_snapshot(world, 1);
    load_slowly(world, 3);
    assert_int_equal(shard_change(first, (const raft_node_number[]){1, 3}, 2, 2), 0);
    run_until_it_loads(world, 3);
    return world;
}

/* 1 is lost, and 2 goes on and wants 3. */
static void second_goes_on_without_first(struct world *world) {
    world_kill(world, 1);
    world_let_back(world, 2, 1500);
    goes_on_alone(world, 2);
    assert_int_equal(shard_change(world_shard(world, 2), (const raft_node_number[]){2, 3}, 2, WISH),
                     0);
    world_write(world, 2, "SET k v");
    world_run(world, 100);
}

static void expect_the_past_of_the_second(struct world *world) {
    world_run(world, LOADING_MS);
    assert_int_equal(installed(world, 3), 0);
    assert_true(world_has_logged(world, 3, "received snapshot given up"));
    assert_true(shard_has_voters(world_shard(world, 2), (const raft_node_number[]){2, 3}, 2, WISH));
    assert_true(world_is_equal(world));
    assert_true(world_keeps_up(world, 3, 2));
}

/* 3 does not take for committed what 1 alone had. */
static void test_a_snapshot_of_before_is_given_up(void **state) {
    (void)state;
    struct world *world = world_in_which_3_loads_and_2_is_behind();
    second_goes_on_without_first(world);
    expect_the_past_of_the_second(world);
    world_free(world);
}

static void load_all(struct world *world, raft_node_number number) {
    uint64_t all_bytes = 0;
    const struct snapshot_manifest *newest = world_newest_snapshot(world, 1);
    for (uint32_t i = 0; i < newest->chunk_count; i++)
        all_bytes += newest->chunks[i].raw_bytes;
    while (loaded_bytes(world, number) + LAST_BYTES < all_bytes)
        world_run(world, 5);
    world->replicas[number].is_disk_held = true;
    world_run(world, 1000);
    assert_int_equal(loaded_bytes(world, number), all_bytes);
}

/* Nor if it is loaded by then, and its disk is slow to name it. */
static void test_also_while_it_is_named(void **state) {
    (void)state;
    struct world *world = world_in_which_3_loads_and_2_is_behind();
    load_all(world, 3);
    second_goes_on_without_first(world);
    world->replicas[3].is_disk_held = false;
    expect_the_past_of_the_second(world);
    world_free(world);
}

/* What the first one alone had is committed on the third one, which cannot be undone: it is found
 * out, and the replica begins again, as its node has it do. */
static void expect_the_third_to_begin_again(struct world *world) {
    world_run(world, 2000);
    assert_true(raft_is_given_up(world_raft(world, 3)));
    assert_false(
        shard_has_voters(world_shard(world, 2), (const raft_node_number[]){2, 3}, 2, WISH));
    world_forget(world, 3);
    world_run(world, LOADING_MS);
    assert_false(raft_is_given_up(world_raft(world, 3)));
    assert_true(shard_has_voters(world_shard(world, 2), (const raft_node_number[]){2, 3}, 2, WISH));
    assert_true(world_is_equal(world));
    assert_true(world_keeps_up(world, 3, 2));
}

/* It is loaded and named, its mark is on the way to the disk when the third one hears, and cannot
 * be called back. Nothing of what others agreed on instead is acknowledged before that mark, for by
 * the log it would be void. */
static void test_also_while_it_is_marked(void **state) {
    (void)state;
    struct world *world = world_in_which_3_loads_and_2_is_behind();
    struct fake_disk *disk = world->replicas[3].disk;
    char name[DISK_NAME_MAXIMUM];
    snapshot_manifest_name(WORLD_SHARD, world_snapshot_index(world, 1), name);
    load_all(world, 3);
    for (unsigned i = 0; i < 10 && !fake_disk_find(disk, name); i++) {
        fake_disk_run_job(disk, DISK_LANE_BULK);
        world_run(world, 5);
    }
    assert_non_null(fake_disk_find(disk, name));
    raft_term term = raft_current_term(world_raft(world, 3));
    second_goes_on_without_first(world);
    assert_int_equal(installed(world, 3), 0);
    assert_int_equal(raft_current_term(world_raft(world, 3)), term);
    world->replicas[3].is_disk_held = false;
    expect_the_third_to_begin_again(world);
    world_free(world);
}

/* It was in place before the operator chose, who did not look, or an older command did not. So it
 * is after a restart. */
static void test_what_was_installed_is_found_out(void **state) {
    (void)state;
    for (int is_restarted = 0; is_restarted <= 1; is_restarted++) {
        struct world *world = world_in_which_3_loads_and_2_is_behind();
        world_run(world, LOADING_MS);
        assert_int_equal(installed(world, 3), 1);
        if (is_restarted)
            world_restart(world, 3);
        second_goes_on_without_first(world);
        expect_the_third_to_begin_again(world);
        world_free(world);
    }
}

RUN_TESTS(cmocka_unit_test(test_a_snapshot_that_loads_undoes_nothing),
          cmocka_unit_test(test_also_while_it_is_named),
          cmocka_unit_test(test_also_while_it_is_marked),
          cmocka_unit_test(test_what_was_installed_is_found_out),
          cmocka_unit_test(test_a_snapshot_of_before_is_given_up))
