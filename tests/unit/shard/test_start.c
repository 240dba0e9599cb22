/* What a replica starts with: its snapshot, and the log behind it; and what becomes of it if a file
 * is gone or damaged. */
#include "../unit.h"
#include "store/snapshot/names.h"
#include "world.h"

enum { SNAPSHOT_ENTRIES = 16 };

static struct world *started(unsigned replica_count) {
    return world_led_taking(replica_count, SNAPSHOT_ENTRIES);
}

static void snapshot_name(struct world *world, raft_node_number number,
                          char name[DISK_NAME_MAXIMUM]) {
    snapshot_manifest_name(WORLD_SHARD, world_snapshot_index(world, number), name);
}

static void first_chunk_name(struct world *world, raft_node_number number,
                             char name[DISK_NAME_MAXIMUM]) {
    snapshot_chunk_name(WORLD_SHARD, &world_newest_snapshot(world, number)->chunks[0], name);
}

/* A replica that starts again stands where it stood: its snapshot, then the log behind it. */
static void test_restart(void **state) {
    (void)state;
    struct world *world = started(1);
    world_increment(world, 1, 100);
    raft_index snapshot_index = world_snapshot_index(world, 1);
    assert_in_range(snapshot_index, 80, 101);
    assert_true(raft_first_index(world_raft(world, 1)) > 60);
    uint64_t hash = world_state_hash(world, 1);
    uint64_t time_ms = shard_time_ms(world_shard(world, 1));
    world_restart(world, 1);
    assert_int_equal(world_snapshot_index(world, 1), snapshot_index);
    assert_int_equal(world_applied_index(world, 1), snapshot_index);
    world_elect(world, 1);
    assert_int_equal(world_state_hash(world, 1), hash);
    assert_int_equal(shard_time_ms(world_shard(world, 1)), time_ms);
    uint64_t ticket = world_read(world, 1, "GET n", 0);
    assert_answer(world, ticket, "DONE $3|100|");
    world_free(world);
}

/* It has a long log behind its snapshot, and hears at once that all of it is committed: no turn
 * applies much of it, a read waits for the end, and what is written meanwhile is no end of it. */
static void test_a_long_log_is_applied_turn_by_turn(void **state) {
    (void)state;
    enum { KEYS = 60 };
    struct world *world = world_led_taking(1, WORLD_SNAPSHOT_NEVER);
    world->replicas[1].config.snapshot_turn_bytes = 256;
    world_write_much(world, 1, KEYS);
    uint64_t hash = world_state_hash(world, 1);
    world_restart_leading(world, 1);
    struct shard *shard = world_shard(world, 1);
    raft_index end = raft_commit_index(shard_raft(shard));
    assert_true(end > KEYS);
    uint64_t read = world_read(world, 1, "STRLEN key59", 0);
    unsigned turns = 0;
    for (; shard_applied_index(shard) < end; turns++) {
        raft_index before = shard_applied_index(shard);
        raft_index left = raft_commit_index(shard_raft(shard)) - before;
        assert_string_equal(world_answer(world, read), "");
        world_write_much(world, 1, 1);
        shard_tick(shard);
        assert_in_range(shard_applied_index(shard) - before, 1, 3);
        assert_true(raft_commit_index(shard_raft(shard)) - shard_applied_index(shard) < left);
    }
    assert_in_range(turns, KEYS / 3, KEYS);
    world_run(world, 2000);
    assert_true(strncmp(world_answer(world, read), "DONE :", 6) == 0);
    assert_true(shard_is_settled(shard) && shard_is_idle(shard));
    world_write_much(world, 1, KEYS);
    assert_true(world_state_hash(world, 1) == hash);
    world_free(world);
}

/* Killed again and again, with the disk's work undone at any point: what was answered is there. */
static void test_restart_at_any_time(void **state) {
    (void)state;
    struct world *world = started(1);
    char expected[32];
    for (unsigned round = 1; round <= 40; round++) {
        uint64_t ticket = world_propose(world, 1, "INCR n");
        world_settle(world);
        snprintf(expected, sizeof expected, "DONE :%u|", round);
        assert_answer(world, ticket, expected);
        world_restart_leading(world, 1);
    }
    world_free(world);
}

static void test_start_without_the_file(void **state) {
    (void)state;
    struct world *world = started(1);
    world_increment(world, 1, 100);
    char name[DISK_NAME_MAXIMUM];
    snapshot_name(world, 1, name);
    world_kill(world, 1);
    struct disk *disk = &world->replicas[1].disk->disk;
    assert_int_equal(disk->ops->remove(disk, name), 0);
    assert_int_equal(world_start(world, 1), ERR_NOT_FOUND);
    struct bytes problem = buffer_bytes(&world->replicas[1].problem);
    assert_non_null(memmem(problem.data, problem.length, "snapshot of shard 5 at index ", 29));
    assert_non_null(memmem(problem.data, problem.length, "not found", 9));
    world_free(world);
}

static void test_start_with_a_damaged_file(void **state) {
    (void)state;
    struct world *world = started(1);
    world_increment(world, 1, 100);
    char name[DISK_NAME_MAXIMUM], chunk_name[DISK_NAME_MAXIMUM];
    snapshot_name(world, 1, name);
    first_chunk_name(world, 1, chunk_name);
    world_kill(world, 1);
    struct fake_file *file = fake_disk_find(world->replicas[1].disk, name);
    struct fake_file *chunk = fake_disk_find(world->replicas[1].disk, chunk_name);
    chunk->live[chunk->live_bytes / 2] ^= 4;
    assert_int_equal(world_start(world, 1), ERR_DAMAGED);
    chunk->live[chunk->live_bytes / 2] ^= 4;
    file->live[file->live_bytes / 2] ^= 4;
    assert_int_equal(world_start(world, 1), ERR_DAMAGED);
    struct bytes problem = buffer_bytes(&world->replicas[1].problem);
    assert_non_null(memmem(problem.data, problem.length, "damaged data", 12));
    assert_non_null(memmem(problem.data, problem.length, "remove this node's directory", 28));
    file->live[file->live_bytes / 2] ^= 4;
    assert_int_equal(world_start(world, 1), 0);
    world_free(world);
}

/* It begins again, and is sent the log from its first entry on, which does not say who votes. It
 * may lead all the same: it may come to be the only one that has all. */
static void test_one_that_began_again_may_lead(void **state) {
    (void)state;
    struct world *world = world_new(3);
    world->is_as_founded = true;
    world->replicas[2].config.snapshot_log_entries = SNAPSHOT_ENTRIES;
    world_lead(world);
    world_cut_off(world, 3, true); /* so that the leader keeps all of its log in memory */
    world_increment(world, 1, 50);
    char chunk_name[DISK_NAME_MAXIMUM];
    first_chunk_name(world, 2, chunk_name);
    world_kill(world, 2);
    world_cut_off(world, 3, false);
    world->replicas[2].config.snapshot_log_entries = 1000;
    struct fake_file *chunk = fake_disk_find(world->replicas[2].disk, chunk_name);
    chunk->live[chunk->live_bytes / 2] ^= 4;
    assert_int_equal(world_start(world, 2), 0);
    world_run(world, 3000);
    assert_int_equal(world_applied_index(world, 2), world_applied_index(world, 1));
    assert_int_equal(world_snapshot_index(world, 2), 0);
    world_restart(world, 2);
    world_run(world, 3000);
    raft_node_number leader = world_leader(world);
    assert_true(shard_transfer(world_shard(world, leader), 2, "asked"));
    world_run(world, 300);
    assert_int_equal(world_leader(world), 2);
    world_free(world);
}

/* With peers the replica begins again with nothing: it asks for no vote and gives none for a log
 * shorter than its own was, the present leader has to be elected anew, and sends all. */
static void test_a_damaged_snapshot_is_got_from_the_peers(void **state) {
    (void)state;
    struct world *world = started(3);
    world_increment(world, 1, 100);
    char chunk_name[DISK_NAME_MAXIMUM];
    first_chunk_name(world, 2, chunk_name);
    raft_index end_index = raft_last_index(world_raft(world, 2));
    raft_term term = raft_current_term(world_raft(world, 2));
    world_kill(world, 2);
    struct fake_file *chunk = fake_disk_find(world->replicas[2].disk, chunk_name);
    chunk->live[chunk->live_bytes / 2] ^= 4;
    assert_int_equal(world_start(world, 2), 0);
    raft_index floor_index;
    raft_term floor_term;
    raft_floor(world_raft(world, 2), &floor_index, &floor_term);
    assert_int_equal(world_applied_index(world, 2), 0);
    assert_int_equal(floor_index, end_index);
    assert_int_equal(floor_term, term);
    assert_int_equal(raft_current_term(world_raft(world, 2)), term + 1);
    assert_true(raft_is_below_floor(world_raft(world, 2)));
    /* Killed at once, it does the same again. */
    world_restart(world, 2);
    assert_true(raft_is_below_floor(world_raft(world, 2)));
    world_run(world, 3000);
    assert_true(world_leader(world) == 1 || world_leader(world) == 3);
    assert_false(raft_is_below_floor(world_raft(world, 2)));
    assert_true(world_is_equal(world));
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_restart), cmocka_unit_test(test_a_long_log_is_applied_turn_by_turn),
          cmocka_unit_test(test_restart_at_any_time), cmocka_unit_test(test_start_without_the_file),
          cmocka_unit_test(test_start_with_a_damaged_file),
          cmocka_unit_test(test_one_that_began_again_may_lead),
          cmocka_unit_test(test_a_damaged_snapshot_is_got_from_the_peers))
