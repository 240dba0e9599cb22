/* Snapshots in parts: taken while the data changes, only what changed written again, only what is
 * lacking sent, and gone on with where they broke off. */
#include "../unit.h"
#include "store/snapshot_chunk.h"
#include "store/snapshot_names.h"
#include "world.h"

enum { KEYS = 100 };

static struct world *started(unsigned replica_count) {
    struct world *world = world_new(replica_count);
    world_snapshot_after(world, WORLD_SNAPSHOT_NEVER);
    world_lead(world);
    return world;
}

static uint64_t chunks(struct world *world, raft_node_number number, const char *what) {
    return world_counted(world, number, METRIC_snapshot_chunks_total, what);
}

static uint64_t sent_bytes(struct world *world, raft_node_number number) {
    return world_counted(world, number, METRIC_snapshot_sent_bytes_total, NULL);
}

/* ---- taking ---- */

static uint64_t taken(struct world *world) {
    return world_counted(world, 1, METRIC_snapshots_taken_total, NULL);
}

/* One key changes: one chunk is written again, and the other files are named again. */
static void test_only_what_changed_is_written(void **state) {
    (void)state;
    struct world *world = started(1);
    world_write_much(world, 1, KEYS);
    world_take_snapshot(world, 1);
    uint64_t saved = chunks(world, 1, "saved");
    assert_in_range(saved, 8, 64);
    assert_int_equal(saved, world_newest_snapshot(world, 1)->chunk_count);
    world_write(world, 1, "SET key7 another");
    world_take_snapshot(world, 1);
    assert_int_equal(chunks(world, 1, "saved"), saved + 1);
    assert_int_equal(chunks(world, 1, "kept"), saved - 1);
    uint64_t hash = shard_state_hash(world_shard(world, 1));
    assert_true(snapshot_manifest_state_hash(world_newest_snapshot(world, 1)) == hash);

    /* What was changed before a restart is known after it. */
    world_write(world, 1, "SET key8 another");
    world_restart(world, 1);
    world_elect(world, 1);
    world_write(world, 1, "DEL key9");
    hash = shard_state_hash(world_shard(world, 1));
    world_take_snapshot(world, 1);
    assert_in_range(chunks(world, 1, "saved"), saved + 2, saved + 3);
    assert_true(snapshot_manifest_state_hash(world_newest_snapshot(world, 1)) == hash);
    world_restart(world, 1);
    world_elect(world, 1);
    assert_true(shard_state_hash(world_shard(world, 1)) == hash);
    world_free(world);
}

/* Every key changes while the snapshot is taken, some twice, some go, some come: it holds the state
 * as of its index all the same. */
static void test_taken_while_everything_changes(void **state) {
    (void)state;
    struct world *world = started(1);
    world_write_much(world, 1, KEYS);
    uint64_t hash = shard_state_hash(world_shard(world, 1));
    uint64_t index = shard_applied_index(world_shard(world, 1));
    shard_take_snapshot(world_shard(world, 1));
    for (unsigned i = 0; i < KEYS; i++) {
        char command[64];
        snprintf(command, sizeof command, i % 3 ? "SET key%u x" : "DEL key%u", i);
        world_write(world, 1, command);
        snprintf(command, sizeof command, "SET new%u y", i);
        world_write(world, 1, command);
        snprintf(command, sizeof command, "INCR count%u", i % 5);
        world_write(world, 1, command);
        if (i % 10 == 0)
            world_run(world, 5);
    }
    world_run(world, 1000);
    assert_int_equal(shard_snapshot_index(world_shard(world, 1)), index);
    assert_true(snapshot_manifest_state_hash(world_newest_snapshot(world, 1)) == hash);
    hash = shard_state_hash(world_shard(world, 1));
    world_restart(world, 1);
    world_elect(world, 1);
    assert_true(shard_state_hash(world_shard(world, 1)) == hash);
    world_free(world);
}

/* No key is there, and the log is let go all the same. */
static void test_a_snapshot_of_nothing(void **state) {
    (void)state;
    struct world *world = started(1);
    world_write(world, 1, "SET k v");
    world_write(world, 1, "DEL k");
    world_take_snapshot(world, 1);
    assert_int_equal(world_newest_snapshot(world, 1)->chunk_count, 0);
    world_restart(world, 1);
    world_elect(world, 1);
    world_write(world, 1, "SET k w");
    assert_answer(world, world_read(world, 1, "GET k", 0), "DONE $1|w|");
    world_free(world);
}

/* The disk does nothing: what is read from memory for it is bounded. */
static void test_few_chunks_wait_for_the_disk(void **state) {
    (void)state;
    struct world *world = started(1);
    world_write_much(world, 1, KEYS);
    world->replicas[1].is_disk_held = true;
    shard_take_snapshot(world_shard(world, 1));
    world_run(world, 1000);
    unsigned waiting = 0;
    for (const struct disk_job *job = world->replicas[1].disk->jobs[DISK_LANE_BULK]; job;
         job = job->next)
        waiting++;
    assert_int_equal(waiting, SHARD_SNAPSHOT_JOBS_MAXIMUM);
    world->replicas[1].is_disk_held = false;
    world_run(world, 1000);
    assert_int_equal(taken(world), 1);
    world_free(world);
}

/* A chunk of the snapshot before this one has rotted: the next snapshot is not built on it. */
static void test_old_chunk_that_rotted_is_written_anew(void **state) {
    (void)state;
    struct world *world = started(1);
    world_write_much(world, 1, KEYS);
    world_take_snapshot(world, 1);
    char name[DISK_NAME_MAXIMUM];
    snapshot_chunk_name(WORLD_SHARD, &world_newest_snapshot(world, 1)->chunks[2], name);
    fake_disk_find(world->replicas[1].disk, name)->live[99] ^= 1;
    world_write(world, 1, "INCR n");
    shard_take_snapshot(world_shard(world, 1));
    world_run(world, 1000);
    assert_true(world_has_logged(world, 1, "it is written anew"));
    world_run(world, 10000);
    world_take_snapshot(world, 1);
    uint64_t hash = shard_state_hash(world_shard(world, 1));
    world_restart(world, 1);
    world_elect(world, 1);
    assert_true(shard_state_hash(world_shard(world, 1)) == hash);
    world_free(world);
}

/* The power goes at any call on the way from one snapshot to the next: whatever the log names is
 * there, whole (etcd #10219). */
static void test_files_stay_until_the_mark_is_durable(void **state) {
    (void)state;
    for (unsigned call = 1; call < 120; call++) {
        struct world *world = started(1);
        world_write_much(world, 1, 20);
        world_take_snapshot(world, 1);
        world_write_much(world, 1, 21);
        uint64_t hash = shard_state_hash(world_shard(world, 1));
        fake_disk_power_off_after(world->replicas[1].disk, call);
        shard_take_snapshot(world_shard(world, 1));
        for (unsigned i = 0; i < 40 && !fake_disk_is_off(world->replicas[1].disk); i++)
            world_run(world, 5);
        world_kill(world, 1);
        assert_int_equal(world_start(world, 1), 0);
        world_elect(world, 1);
        assert_true(shard_state_hash(world_shard(world, 1)) == hash);
        world_free(world);
    }
}

/* By bytes, no snapshot is taken before the log has grown by more than it would write. */
static void test_snapshots_write_no_more_than_the_log(void **state) {
    (void)state;
    struct world *world = started(1);
    world->replicas[1].config.snapshot_log_bytes = 1 << 20;
    world->replicas[1].config.snapshot_log_times = 1;
    for (unsigned round = 0; round < 6; round++) {
        world_write_much(world, 1, KEYS); /* 4 MB, all of it new */
        world_run(world, 1000);
    }
    uint64_t log_bytes = 6 * KEYS * 40000;
    assert_in_range(world_counted(world, 1, METRIC_snapshots_taken_total, NULL), 4, 24);
    assert_in_range(world_counted(world, 1, METRIC_snapshot_bytes_total, NULL), 1, log_bytes);
    world_free(world);
}

/* The log grows to three times what the snapshot would write. A smaller number counts at once. */
static void test_a_snapshot_is_taken_when_it_pays(void **state) {
    (void)state;
    struct world *world = started(1);
    world_write_much(world, 1, KEYS);
    world_take_snapshot(world, 1);
    world->replicas[1].config.snapshot_log_bytes = 1 << 20;
    world->replicas[1].config.snapshot_log_times = 3;
    uint64_t before = taken(world);
    for (unsigned round = 0; round < 2; round++) {
        world_write_much(world, 1, KEYS);
        world_run(world, 1000);
        assert_int_equal(taken(world), before);
    }
    world_write_much(world, 1, KEYS + 6);
    world_run(world, 1000);
    assert_int_equal(taken(world), before + 1);
    world->replicas[1].config.snapshot_log_times = 2;
    world_write_much(world, 1, KEYS);
    world_run(world, 1000);
    assert_int_equal(taken(world), before + 1);
    world_write_much(world, 1, 2 * KEYS);
    world_run(world, 1000);
    assert_int_equal(taken(world), before + 2);
    world_free(world);
}

/* The first snapshot has a price as well: a young log is no reason to write all of it again. */
static void test_the_first_snapshot_is_taken_when_it_pays(void **state) {
    (void)state;
    struct world *world = started(1);
    world->replicas[1].config.snapshot_log_bytes = 1 << 20;
    world->replicas[1].config.snapshot_log_times = 3;
    for (unsigned round = 0; round < 2; round++) {
        world_write_much(world, 1, KEYS);
        world_run(world, 1000);
        assert_int_equal(taken(world), 0);
    }
    for (unsigned round = 0; round < 2; round++) {
        world_write_much(world, 1, KEYS);
        world_run(world, 1000);
    }
    assert_int_equal(taken(world), 1);
    world_free(world);
}

/* A worker whose log is too long has its shards let it go, but not at any price. */
static void test_the_log_of_a_worker_is_let_go(void **state) {
    (void)state;
    struct world *world = started(1);
    world_write_much(world, 1, KEYS);
    world_take_snapshot(world, 1);
    uint64_t before = taken(world);
    world_write_much(world, 1, KEYS);
    shard_release_log(world_shard(world, 1), KEYS * 40000 / 2);
    world_run(world, 1000);
    assert_int_equal(taken(world), before);
    shard_release_log(world_shard(world, 1), KEYS * 40000 * 2);
    world_run(world, 1000);
    assert_int_equal(taken(world), before + 1);
    world_write(world, 1, "SET key1 other"); /* writes one chunk of many */
    shard_release_log(world_shard(world, 1), KEYS * 40000 / 2);
    world_run(world, 1000);
    assert_int_equal(taken(world), before + 2);
    world_free(world);
}

/* ---- one large slot ---- */

static void expect_hash_kept(struct world *world, uint64_t hash) {
    assert_true(snapshot_manifest_state_hash(world_newest_snapshot(world, 1)) == hash);
    world_restart(world, 1);
    world_elect(world, 1);
    assert_true(shard_state_hash(world_shard(world, 1)) == hash);
}

/* It is saved in parts, even while it changes, is read from them, and keeps them as long as nothing
 * in it changes. */
static void test_a_large_slot_has_parts(void **state) {
    (void)state;
    struct world *world = started(1);
    world_write_one_slot(world, 1, KEYS);
    world_write(world, 1, "SET elsewhere x");
    uint64_t hash = shard_state_hash(world_shard(world, 1));
    shard_take_snapshot(world_shard(world, 1));
    for (unsigned i = 0; i < 10; i++) {
        world_write(world, 1, "DEL {same}1 {same}50 {same}99");
        world_write(world, 1, "SET {same}50 other");
    }
    world_run(world, 1000);
    assert_in_range(world_newest_snapshot(world, 1)->chunk_count, 10, 40);
    assert_true(snapshot_manifest_has_parts(world_newest_snapshot(world, 1)));
    assert_true(snapshot_manifest_state_hash(world_newest_snapshot(world, 1)) == hash);
    world_run(world, 1000);
    world_take_snapshot(world, 1);
    uint64_t saved = chunks(world, 1, "saved");
    world_write(world, 1, "SET elsewhere y");
    world_take_snapshot(world, 1);
    assert_int_equal(chunks(world, 1, "saved"), saved + 1);
    expect_hash_kept(world, shard_state_hash(world_shard(world, 1)));
    world_free(world);
}

static void set_long_field(struct world *world, unsigned number) {
    char command[32 + 20000];
    int length = snprintf(command, sizeof command, "HSET all field%u ", number);
    memset(command + length, 'v', sizeof command - (size_t)length);
    command[sizeof command - 1] = 0;
    world_write(world, 1, command);
}

/* A hash goes across parts, and its share of the state's hash is lost in none, wherever it ends:
 * also if its last bytes fill a part, and only then it turns out that they were the last. */
static void test_a_large_hash_has_parts(void **state) {
    (void)state;
    struct world *world = started(1);
    for (unsigned fields = 1; fields <= 50; fields++) {
        set_long_field(world, fields);
        if (fields >= 30) {
            world_take_snapshot(world, 1);
            assert_true(snapshot_manifest_has_parts(world_newest_snapshot(world, 1)));
            assert_true(snapshot_manifest_state_hash(world_newest_snapshot(world, 1)) ==
                        shard_state_hash(world_shard(world, 1)));
        }
    }
    expect_hash_kept(world, shard_state_hash(world_shard(world, 1)));
    world_free(world);
}

/* ---- sending ---- */

static void away_for_much(struct world *world) {
    world_cut_off(world, 3, true);
    world_write_much(world, 1, KEYS);
    world_take_snapshot(world, 1);
    world_cut_off(world, 3, false);
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

/* Killed at half, and started again: at most a tenth is sent twice. */
static void expect_to_go_on_once_killed(struct world *world) {
    uint64_t stored_bytes = snapshot_manifest_stored_bytes(world_newest_snapshot(world, 1));
    pieces_until_cut = pieces_of_half(world_newest_snapshot(world, 1));
    world->censor = cut_after_some_pieces;
    world_run(world, 400);
    assert_int_equal(pieces_until_cut, 0);
    world_kill(world, 3);
    world->censor = NULL;
    assert_int_equal(world_start(world, 3), 0);
    world_run(world, 8000);
    assert_true(world_is_equal(world));
    assert_true(chunks(world, 3, "reused") > world_newest_snapshot(world, 1)->chunk_count / 2 - 3);
    uint64_t received = world_counted(world, 3, METRIC_snapshot_received_bytes_total, NULL);
    assert_in_range(received, stored_bytes * 9 / 10, stored_bytes * 11 / 10);
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
    uint64_t stored_bytes = snapshot_manifest_stored_bytes(world_newest_snapshot(world, 1));
    pieces_until_cut = world_newest_snapshot(world, 1)->chunk_count / 2;
    world->censor = cut_after_some_pieces;
    world_run(world, 400);
    assert_int_equal(pieces_until_cut, 0);
    world_kill(world, 1);
    world->censor = NULL;
    world_elect(world, 2);
    world_run(world, 8000);
    assert_true(world_is_equal(world));
    assert_in_range(sent_bytes(world, 2), 1, stored_bytes * 6 / 10);
    world_free(world);
}

/* A follower that was away for a little only gets what changed. */
static void test_what_is_here_is_not_sent(void **state) {
    (void)state;
    struct world *world = started(3);
    world_write_much(world, 1, KEYS);
    world_run(world, 200);
    for (raft_node_number i = 1; i <= 3; i++)
        world_take_snapshot(world, i);
    world_cut_off(world, 3, true);
    for (unsigned i = 0; i < 50; i++)
        world_write(world, 1, "INCR n");
    world_take_snapshot(world, 1);
    world_cut_off(world, 3, false);
    world_run(world, 4000);
    assert_true(world_is_equal(world));
    uint64_t stored_bytes = snapshot_manifest_stored_bytes(world_newest_snapshot(world, 1));
    assert_in_range(sent_bytes(world, 1), 1, stored_bytes / 4);
    world_free(world);
}

/* What was here has rotted: the leader's copy is fetched after all. */
static void test_rotten_chunk_is_fetched(void **state) {
    (void)state;
    struct world *world = started(3);
    world_write_much(world, 1, KEYS);
    world_run(world, 200);
    for (raft_node_number i = 1; i <= 3; i++)
        world_take_snapshot(world, i);
    char first_name[DISK_NAME_MAXIMUM], other_name[DISK_NAME_MAXIMUM];
    const struct snapshot_manifest *newest = world_newest_snapshot(world, 3);
    snapshot_chunk_name(WORLD_SHARD, &newest->chunks[0], first_name);
    snapshot_chunk_name(WORLD_SHARD, &newest->chunks[newest->chunk_count / 2], other_name);
    world_cut_off(world, 3, true);
    for (unsigned i = 0; i < 50; i++)
        world_write(world, 1, "SET key3 other");
    world_take_snapshot(world, 1);
    fake_disk_find(world->replicas[3].disk, first_name)->live[50] ^= 1;
    fake_disk_find(world->replicas[3].disk, other_name)->live[50] ^= 1;
    world_cut_off(world, 3, false);
    world_run(world, 4000);
    assert_true(world_is_equal(world));
    assert_int_equal(chunks(world, 3, "received"), 3); /* and the one that changed */
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
    assert_int_equal(taken(world), 1);
    assert_true(chunks(world, 1, "saved") > world_newest_snapshot(world, 1)->chunk_count);
    world->replicas[1].config.snapshot_turn_bytes = 1 << 20;
    world_run(world, 2000);
    assert_int_equal(taken(world), 2);
    raft_index index = shard_snapshot_index(world_shard(world, 1));
    world_restart(world, 1); /* if a file were gone, it would begin again with nothing */
    assert_int_equal(shard_applied_index(world_shard(world, 1)), index);
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
    snapshot_manifest_name(WORLD_SHARD, shard_snapshot_index(world_shard(world, 3)), name);
    world_write_much(world, 1, KEYS + 1); /* all of it changes here, before it is away */
    world_run(world, 200);
    away_for_much(world);
    world_run(world, 8000);
    assert_int_equal(world_counted(world, 3, METRIC_snapshots_installed_total, NULL), 1);
    assert_null(fake_disk_find(world->replicas[3].disk, name));
    uint64_t saved = chunks(world, 3, "saved");
    world_write(world, 1, "SET key7 another");
    world_run(world, 100);
    world_take_snapshot(world, 3);
    assert_int_equal(chunks(world, 3, "saved"), saved + 1);
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
    uint64_t stored_bytes = snapshot_manifest_stored_bytes(world_newest_snapshot(world, 1));
    assert_in_range(sent_bytes(world, 1), stored_bytes * 9 / 10, stored_bytes * 11 / 10);
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_only_what_changed_is_written),
          cmocka_unit_test(test_taken_while_everything_changes),
          cmocka_unit_test(test_a_snapshot_of_nothing),
          cmocka_unit_test(test_few_chunks_wait_for_the_disk),
          cmocka_unit_test(test_old_chunk_that_rotted_is_written_anew),
          cmocka_unit_test(test_files_stay_until_the_mark_is_durable),
          cmocka_unit_test(test_snapshots_write_no_more_than_the_log),
          cmocka_unit_test(test_a_snapshot_is_taken_when_it_pays),
          cmocka_unit_test(test_the_first_snapshot_is_taken_when_it_pays),
          cmocka_unit_test(test_the_log_of_a_worker_is_let_go),
          cmocka_unit_test(test_a_large_slot_has_parts),
          cmocka_unit_test(test_a_large_hash_has_parts),
          cmocka_unit_test(test_goes_on_after_the_receiver_was_killed),
          cmocka_unit_test(test_goes_on_within_a_large_slot),
          cmocka_unit_test(test_goes_on_with_another_leader),
          cmocka_unit_test(test_what_is_here_is_not_sent),
          cmocka_unit_test(test_rotten_chunk_is_fetched),
          cmocka_unit_test(test_the_next_is_built_on_what_came_in),
          cmocka_unit_test(test_a_transfer_ends_while_a_snapshot_is_taken),
          cmocka_unit_test(test_rate_holds_pieces_back))
