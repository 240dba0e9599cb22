/* Snapshots are sent in chunks: only what is lacking, and from where a transfer broke off. */
#include "../unit.h"
#include "store/snapshot/names.h"
#include "world.h"

enum { KEYS = 100 };

static struct world *started(unsigned replica_count) {
    return world_led_taking(replica_count, WORLD_SNAPSHOT_NEVER);
}

static uint64_t sent_bytes(struct world *world, raft_node_number number) {
    return world_counted(world, number, METRIC_snapshot_sent_bytes_total, NULL);
}

/* Of the snapshot that the first leader has to send. */
static uint64_t stored_bytes(const struct world *world) {
    return snapshot_manifest_stored_bytes(world_newest_snapshot(world, 1));
}

static void away_for_much(struct world *world) {
    world_cut_off(world, 3, true);
    world_write_much(world, 1, KEYS);
    world_take_snapshot(world, 1);
    world_cut_off(world, 3, false);
}

/* Every replica has taken a snapshot of the same. */
static struct world *started_with_snapshots(void) {
    struct world *world = started(3);
    world_write_much(world, 1, KEYS);
    world_run(world, 200);
    for (raft_node_number i = 1; i <= 3; i++)
        world_take_snapshot(world, i);
    return world;
}

/* 3 misses the same command fifty times, and the snapshot that covers it. */
static void away_for_little(struct world *world, const char *command) {
    world_cut_off(world, 3, true);
    for (unsigned i = 0; i < 50; i++)
        world_write(world, 1, command);
    world_take_snapshot(world, 1);
}

static unsigned pieces_until_cut;

static bool cut_after_some_pieces(struct world *world, struct letter *letter) {
    (void)world;
    if (letter->kind != LETTER_PIECE)
        return true;
    return pieces_until_cut > 0 && pieces_until_cut-- > 0;
}

/* How many pieces the first half of the chunks come in. */
static unsigned pieces_of_half(const struct snapshot_manifest *manifest) {
    unsigned sum = 0;
    for (uint32_t i = 0; i < manifest->chunk_count / 2; i++) {
        uint64_t pieces = (manifest->chunks[i].stored_bytes - 1) / SHARD_SNAPSHOT_PIECE_BYTES + 1;
        sum += (unsigned)pieces;
    }
    return sum;
}

/* So many pieces of the transfer arrive, and no more before that replica is killed. */
static void kill_after_pieces(struct world *world, raft_node_number number, unsigned pieces) {
    pieces_until_cut = pieces;
    world->censor = cut_after_some_pieces;
    world_run(world, 400);
    assert_int_equal(pieces_until_cut, 0);
    world_kill(world, number);
    world->censor = NULL;
}

/* Killed at half, and started again: at most a tenth is sent twice. */
static void expect_to_go_on_once_killed(struct world *world) {
    uint64_t whole_bytes = stored_bytes(world);
    kill_after_pieces(world, 3, pieces_of_half(world_newest_snapshot(world, 1)));
    assert_int_equal(world_start(world, 3), 0);
    world_run(world, 8000);
    assert_true(world_is_equal(world));
    assert_true(world_chunks(world, 3, "reused") >
                world_newest_snapshot(world, 1)->chunk_count / 2 - 3);
    uint64_t received = world_counted(world, 3, METRIC_snapshot_received_bytes_total, NULL);
    assert_in_range(received, whole_bytes * 9 / 10, whole_bytes * 11 / 10);
}

static void test_goes_on_after_the_receiver_was_killed(void **state) {
    (void)state;
    struct world *world = started(3);
    away_for_much(world);
    expect_to_go_on_once_killed(world);
    world_free(world);
}

/* So also if all is in a single slot. */
static void test_goes_on_within_a_large_slot(void **state) {
    (void)state;
    struct world *world = started(3);
    world_cut_off(world, 3, true);
    world_write_one_slot(world, 1, KEYS);
    world_take_snapshot(world, 1);
    world_cut_off(world, 3, false);
    expect_to_go_on_once_killed(world);
    world_free(world);
}

/* The leader goes at half: its successor holds the same, and sends what is lacking. */
static void test_goes_on_with_another_leader(void **state) {
    (void)state;
    struct world *world = started(3);
    world_cut_off(world, 3, true);
    world_write_much(world, 1, KEYS);
    world_run(world, 100);
    world_take_snapshot(world, 1);
    world_take_snapshot(world, 2);
    world_cut_off(world, 3, false);
    uint64_t whole_bytes = stored_bytes(world);
    kill_after_pieces(world, 1, world_newest_snapshot(world, 1)->chunk_count / 2);
    world_elect(world, 2);
    world_run(world, 8000);
    assert_true(world_is_equal(world));
    assert_in_range(sent_bytes(world, 2), 1, whole_bytes * 6 / 10);
    world_free(world);
}

/* A follower that was away for a little only gets what changed. */
static void test_what_is_here_is_not_sent(void **state) {
    (void)state;
    struct world *world = started_with_snapshots();
    away_for_little(world, "INCR n");
    world_let_back(world, 3, 4000);
    assert_true(world_is_equal(world));
    assert_in_range(sent_bytes(world, 1), 1, stored_bytes(world) / 4);
    world_free(world);
}

/* So also if all is in a single slot, of which each replica has taken its own snapshot, though its
 * table has another order: it has the same parts, and is sent the changed ones only. */
static void test_of_a_large_slot_only_changed_parts_are_sent(void **state) {
    (void)state;
    struct world *world = started(3);
    world_write_one_slot(world, 1, KEYS);
    world_run(world, 200);
    for (raft_node_number i = 1; i <= 3; i++)
        world_take_snapshot(world, i);
    uint32_t chunk_count = world_newest_snapshot(world, 1)->chunk_count;
    world_cut_off(world, 3, true);
    for (unsigned i = 0; i < 50; i++)
        world_write(world, 1, "INCR {same}n");
    world_take_snapshot(world, 1);
    uint64_t stored_bytes = snapshot_manifest_stored_bytes(world_newest_snapshot(world, 1));
    world_cut_off(world, 3, false);
    world_run(world, 4000);
    assert_true(world_is_equal(world));
    assert_in_range(sent_bytes(world, 1), 1, stored_bytes / 4);
    assert_int_equal(world_chunks(world, 3, "reused"), chunk_count - 1);

    /* What it got it goes on from: of its next snapshot one part is new. */
    uint64_t saved = world_chunks(world, 3, "saved");
    world_write(world, 1, "SET {same}7 other");
    world_run(world, 200);
    world_take_snapshot(world, 3);
    assert_in_range(world_chunks(world, 3, "saved"), saved + 1, saved + 2);
    assert_true(world_snapshot_hash(world, 3) == world_state_hash(world, 3));
    world_free(world);
}

/* What was here has rotted: the leader's copy is fetched after all. */
static void test_rotten_chunk_is_fetched(void **state) {
    (void)state;
    struct world *world = started_with_snapshots();
    char first_name[DISK_NAME_MAXIMUM], other_name[DISK_NAME_MAXIMUM];
    const struct snapshot_manifest *newest = world_newest_snapshot(world, 3);
    snapshot_chunk_name(WORLD_SHARD, &newest->chunks[0], first_name);
    snapshot_chunk_name(WORLD_SHARD, &newest->chunks[newest->chunk_count / 2], other_name);
    away_for_little(world, "SET key3 other");
    fake_disk_find(world->replicas[3].disk, first_name)->live[50] ^= 1;
    fake_disk_find(world->replicas[3].disk, other_name)->live[50] ^= 1;
    world_let_back(world, 3, 4000);
    assert_true(world_is_equal(world));
    assert_int_equal(world_chunks(world, 3, "received"), 3); /* and the one that changed */
    world_free(world);
}

/* Too many files are open while what was here already is read: it is not taken for lost, nor
 * fetched for that. */
static void test_chunk_that_cannot_be_read_now_is_not_fetched(void **state) {
    (void)state;
    struct world *world = started_with_snapshots();
    struct fake_disk *disk = world->replicas[3].disk;
    away_for_little(world, "SET key3 other");
    world->replicas[3].config.snapshot_turn_bytes = 4096; /* loading takes many turns */
    world_cut_off(world, 3, false);
    for (unsigned i = 0; world_chunks(world, 3, "received") == 0; i++) {
        assert_in_range(i, 0, 4000);
        world_run(world, 5);
    }
    fake_disk_fail_call(disk, FAKE_READ, 6); /* not of the one that came */
    disk->fail_call_with = ERR_BUSY;
    world->replicas[3].config.snapshot_turn_bytes = 1 << 20;
    world_run(world, 4000);
    assert_true(world_has_logged(world, 3, "received snapshot cannot be read back"));
    assert_false(world_has_logged(world, 3, "it is fetched"));
    assert_true(world_is_equal(world));
    assert_int_equal(world_chunks(world, 3, "received"), 1);
    world_free(world);
}

/* A transfer ends, so files may be let go that it sent, while the next snapshot is half taken: none
 * of its own are. */
static void test_a_transfer_ends_while_a_snapshot_is_taken(void **state) {
    (void)state;
    struct world *world = started(3);
    away_for_much(world);
    world_write_much(world, 1, KEYS + 1);
    world->replicas[1].config.snapshot_turn_bytes = 4096;
    shard_take_snapshot(world_shard(world, 1));
    for (unsigned i = 0; world_counted(world, 3, METRIC_snapshots_installed_total, NULL) == 0;
         i++) {
        assert_in_range(i, 0, 4000);
        world_run(world, 5);
    }
    world_run(world, 50);
    assert_int_equal(world_counted(world, 1, METRIC_snapshots_taken_total, NULL), 1);
    assert_true(world_chunks(world, 1, "saved") > world_newest_snapshot(world, 1)->chunk_count);
    world->replicas[1].config.snapshot_turn_bytes = 1 << 20;
    world_run(world, 2000);
    assert_int_equal(world_counted(world, 1, METRIC_snapshots_taken_total, NULL), 2);
    raft_index index = world_snapshot_index(world, 1);
    world_restart(world, 1); /* if a file were gone, it would begin again with nothing */
    assert_int_equal(world_applied_index(world, 1), index);
    world_free(world);
}

/* What came in is the newest snapshot here in every way: what the one before it had alone is
 * removed, and the next one writes only what changed since. */
static void test_the_next_is_built_on_what_came_in(void **state) {
    (void)state;
    struct world *world = started(3);
    world_write_much(world, 1, KEYS);
    world_run(world, 200);
    world_take_snapshot(world, 3);
    char name[DISK_NAME_MAXIMUM];
    snapshot_manifest_name(WORLD_SHARD, world_snapshot_index(world, 3), name);
    world_write_much(world, 1, KEYS + 1); /* all of it changes here, before it is away */
    world_run(world, 200);
    away_for_much(world);
    world_run(world, 8000);
    assert_int_equal(world_counted(world, 3, METRIC_snapshots_installed_total, NULL), 1);
    assert_null(fake_disk_find(world->replicas[3].disk, name));
    uint64_t saved = world_chunks(world, 3, "saved");
    world_write(world, 1, "SET key7 another");
    world_run(world, 100);
    world_take_snapshot(world, 3);
    assert_int_equal(world_chunks(world, 3, "saved"), saved + 1);
    world_restart(world, 3);
    world_run(world, 500);
    assert_true(world_is_equal(world));
    world_free(world);
}

/* While the rate holds the leader back nothing is sent and nobody gives up. */
static void test_rate_holds_pieces_back(void **state) {
    (void)state;
    struct world *world = started(3);
    away_for_much(world);
    world->replicas[1].transfer_not_before_us = world->now_us + 8000000;
    world_run(world, 7900);
    assert_int_equal(sent_bytes(world, 1), 0);
    world_run(world, 2000);
    assert_true(world_is_equal(world));
    assert_false(world_has_logged(world, 1, "broke off"));
    uint64_t whole_bytes = stored_bytes(world);
    assert_in_range(sent_bytes(world, 1), whole_bytes * 9 / 10, whole_bytes * 11 / 10);
    world_free(world);
}

static bool lose_all_pieces(struct world *world, struct letter *letter) {
    (void)world;
    return letter->kind != LETTER_PIECE;
}

/* Time goes on in larger steps than those of world_run(), and still shorter than heartbeats are. */
static void run_long(struct world *world, unsigned seconds) {
    for (unsigned i = 0; i < 20 * seconds; i++) {
        world->now_us += 45000;
        world_run(world, 5);
    }
}

/* The follower answers, and nothing of the snapshot arrives: it is not waited for without end. What
 * is begun anew goes on from what it has, once it comes. */
static void test_a_standstill_ends_a_transfer(void **state) {
    (void)state;
    struct world *world = started(3);
    away_for_much(world);
    world->censor = lose_all_pieces;
    run_long(world, SHARD_SNAPSHOT_STANDSTILL_US / 1000000 - 5);
    assert_false(world_has_logged(world, 1, "broke off"));
    run_long(world, 10);
    assert_true(world_has_logged(world, 1, "broke off"));
    world->censor = NULL;
    world_run(world, 3000);
    assert_true(world_is_equal(world));
    world_free(world);
}

/* A follower may be told to load a snapshot as slowly as this. */
static void test_a_slow_load_is_no_standstill(void **state) {
    (void)state;
    struct world *world = started(3);
    world->replicas[3].config.snapshot_turn_bytes = 256;
    world->replicas[3].config.snapshot_turn_ms = 1000;
    away_for_much(world);
    run_long(world, SHARD_SNAPSHOT_STANDSTILL_US / 1000000 + 60);
    assert_false(world_is_equal(world));
    run_long(world, 600);
    assert_true(world_is_equal(world));
    assert_false(world_has_logged(world, 1, "broke off"));
    world_free(world);
}

/* What the rate of the leader holds back is no fault of the follower's. */
static void test_a_low_rate_is_no_standstill(void **state) {
    (void)state;
    struct world *world = started(3);
    away_for_much(world);
    world->replicas[1].transfer_not_before_us = world->now_us + 2 * SHARD_SNAPSHOT_STANDSTILL_US;
    run_long(world, 2 * SHARD_SNAPSHOT_STANDSTILL_US / 1000000 - 5);
    assert_false(world_has_logged(world, 1, "broke off"));
    world_run(world, 10000);
    assert_true(world_is_equal(world));
    world_free(world);
}

/* However small the chunks are: no more is asked for than the leader keeps in mind, so that nothing
 * waits until it is asked for again. */
static void test_many_small_chunks_come_without_a_pause(void **state) {
    (void)state;
    struct world *world = started(3);
    world->replicas[1].config.snapshot_chunk_bytes = 1024;
    away_for_much(world);
    uint32_t chunk_count = world_newest_snapshot(world, 1)->chunk_count;
    assert_true(chunk_count >= 4 * SHARD_SNAPSHOT_WISHES_MAXIMUM);
    for (unsigned i = 0; !world_has_logged(world, 3, "snapshot coming in"); i++) {
        assert_in_range(i, 0, 4000);
        world_run(world, 5);
    }
    world_run(world, (unsigned)world->replicas[3].config.snapshot_again_ms - 100);
    assert_int_equal(world_chunks(world, 3, "received"), chunk_count);
    world_run(world, 2000);
    assert_true(world_is_equal(world));
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_of_a_large_slot_only_changed_parts_are_sent),
          cmocka_unit_test(test_goes_on_after_the_receiver_was_killed),
          cmocka_unit_test(test_goes_on_within_a_large_slot),
          cmocka_unit_test(test_goes_on_with_another_leader),
          cmocka_unit_test(test_what_is_here_is_not_sent),
          cmocka_unit_test(test_many_small_chunks_come_without_a_pause),
          cmocka_unit_test(test_rotten_chunk_is_fetched),
          cmocka_unit_test(test_chunk_that_cannot_be_read_now_is_not_fetched),
          cmocka_unit_test(test_the_next_is_built_on_what_came_in),
          cmocka_unit_test(test_a_transfer_ends_while_a_snapshot_is_taken),
          cmocka_unit_test(test_a_standstill_ends_a_transfer),
          cmocka_unit_test(test_a_slow_load_is_no_standstill),
          cmocka_unit_test(test_a_low_rate_is_no_standstill),
          cmocka_unit_test(test_rate_holds_pieces_back))
