/* Snapshots are taken in chunks: while the data changes, only what changed written again, and no
 * more often than they are worth it. */
#include "../unit.h"
#include "shard/machine/plan.h"
#include "store/snapshot/names.h"
#include "world.h"

enum { KEYS = 100 };

static struct world *started(unsigned replica_count) {
    return world_led_taking(replica_count, WORLD_SNAPSHOT_NEVER);
}

/* One that leads, with keys of which a snapshot has many chunks. */
static struct world *filled(void) {
    struct world *world = started(1);
    world_write_much(world, 1, KEYS);
    return world;
}

/* And its newest snapshot holds them all. */
static struct world *filled_and_taken(void) {
    struct world *world = filled();
    world_take_snapshot(world, 1);
    return world;
}

/* One is taken once the log is so long, and so many times what the snapshot would write. */
static void take_by_bytes(struct world *world, int64_t log_times) {
    world->replicas[1].config.snapshot_log_bytes = 1 << 20;
    world->replicas[1].config.snapshot_log_times = log_times;
}

/* The log grows by as much as a snapshot would write, for all of it is new. */
static void rewrite(struct world *world, unsigned key_count) {
    world_write_much(world, 1, key_count);
    world_run(world, 1000);
}

/* It holds that state when it is started again. */
static void expect_after_restart(struct world *world, uint64_t hash) {
    world_restart_leading(world, 1);
    assert_true(world_state_hash(world, 1) == hash);
}

/* Its newest snapshot says so of it, and so does what it starts with. */
static void expect_taken(struct world *world, uint64_t hash) {
    assert_true(world_snapshot_hash(world, 1) == hash);
    expect_after_restart(world, hash);
}

static uint64_t taken(struct world *world) {
    return world_counted(world, 1, METRIC_snapshots_taken_total, NULL);
}

/* One key changes: one chunk is written again, and the other files are named again. */
static void test_only_what_changed_is_written(void **state) {
    (void)state;
    struct world *world = filled_and_taken();
    uint64_t saved = world_chunks(world, 1, "saved");
    assert_in_range(saved, 8, 64);
    assert_int_equal(saved, world_newest_snapshot(world, 1)->chunk_count);
    world_write(world, 1, "SET key7 another");
    world_take_snapshot(world, 1);
    assert_int_equal(world_chunks(world, 1, "saved"), saved + 1);
    assert_int_equal(world_chunks(world, 1, "kept"), saved - 1);
    uint64_t hash = world_state_hash(world, 1);
    assert_true(world_snapshot_hash(world, 1) == hash);

    /* What was changed before a restart is known after it. */
    world_write(world, 1, "SET key8 another");
    world_restart_leading(world, 1);
    world_write(world, 1, "DEL key9");
    hash = world_state_hash(world, 1);
    world_take_snapshot(world, 1);
    assert_in_range(world_chunks(world, 1, "saved"), saved + 2, saved + 3);
    expect_taken(world, hash);
    world_free(world);
}

/* Every key changes while the snapshot is taken, some twice, some go, some come: it holds the state
 * as of its index all the same. */
static void test_taken_while_everything_changes(void **state) {
    (void)state;
    struct world *world = filled();
    uint64_t hash = world_state_hash(world, 1);
    uint64_t index = world_applied_index(world, 1);
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
    assert_int_equal(world_snapshot_index(world, 1), index);
    assert_true(world_snapshot_hash(world, 1) == hash);
    expect_after_restart(world, world_state_hash(world, 1));
    world_free(world);
}

/* How many turns of it pass before the next one begins. */
static unsigned turns_until_begun(struct world *world) {
    struct buffer *lines = &world->replicas[1].lines;
    for (unsigned turns = 0; turns < 1000; turns++) {
        shard_take_snapshot(world_shard(world, 1));
        if (world_has_logged(world, 1, "snapshot begun"))
            return turns;
        buffer_clear(lines);
        world_run(world, 1);
    }
    fail_msg("none is taken any more");
    return 0;
}

/* The disk refuses a chunk when many keys are kept for the snapshot. What it had is gone through a
 * little each turn, the next one waits for that, and holds all. */
static void test_what_one_had_is_gone_through_first(void **state) {
    (void)state;
    enum { KEYS_OF_SLOT = 400 };
    struct world *world = started(1);
    world_write_one_slot(world, 1, KEYS_OF_SLOT);
    world->replicas[1].config.snapshot_turn_bytes = 256;
    world->replicas[1].config.snapshot_pause_ms = 0;
    shard_take_snapshot(world_shard(world, 1));
    world_write_one_slot(world, 1, KEYS_OF_SLOT);
    fake_disk_fail_call(world->replicas[1].disk, FAKE_OPEN, 1);
    while (!world_has_logged(world, 1, "snapshot not written"))
        world_run(world, 1);
    buffer_clear(&world->replicas[1].lines);
    assert_true(turns_until_begun(world) >= KEYS_OF_SLOT / 2 / (256 / 16));
    uint64_t hash = world_state_hash(world, 1);
    world_run(world, 20000);
    expect_taken(world, hash);
    world_free(world);
}

/* Each entry has a segment of its own. What was written while the snapshot was taken stays, also
 * the first entry behind it. */
static void test_the_log_behind_a_snapshot_stays(void **state) {
    (void)state;
    struct world *world = world_new(1);
    world->segment_bytes = 64 << 10;
    world_snapshot_after(world, WORLD_SNAPSHOT_NEVER);
    world_lead(world);
    world_write_much(world, 1, KEYS);
    uint64_t index = world_applied_index(world, 1);
    shard_take_snapshot(world_shard(world, 1));
    world_write_much(world, 1, 8);
    world_run(world, 1000);
    assert_int_equal(world_snapshot_index(world, 1), index);
    expect_after_restart(world, world_state_hash(world, 1));
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
    world_restart_leading(world, 1);
    world_write(world, 1, "SET k w");
    assert_answer(world, world_read(world, 1, "GET k", 0), "DONE $1|w|");
    world_free(world);
}

/* The disk does nothing: what is read from memory for it is bounded. */
static void test_few_chunks_wait_for_the_disk(void **state) {
    (void)state;
    struct world *world = filled();
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
    struct world *world = filled_and_taken();
    char name[DISK_NAME_MAXIMUM];
    snapshot_chunk_name(WORLD_SHARD, &world_newest_snapshot(world, 1)->chunks[2], name);
    fake_disk_find(world->replicas[1].disk, name)->live[99] ^= 1;
    world_write(world, 1, "INCR n");
    shard_take_snapshot(world_shard(world, 1));
    world_run(world, 1000);
    assert_true(world_has_logged(world, 1, "it is written anew"));
    world_run(world, 10000);
    world_take_snapshot(world, 1);
    expect_after_restart(world, world_state_hash(world, 1));
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
        uint64_t hash = world_state_hash(world, 1);
        fake_disk_power_off_after(world->replicas[1].disk, call);
        shard_take_snapshot(world_shard(world, 1));
        for (unsigned i = 0; i < 40 && !fake_disk_is_off(world->replicas[1].disk); i++)
            world_run(world, 5);
        world_kill(world, 1);
        assert_int_equal(world_start(world, 1), 0);
        world_elect(world, 1);
        assert_true(world_state_hash(world, 1) == hash);
        world_free(world);
    }
}

/* By bytes, no snapshot is taken before the log has grown by more than it would write. */
static void test_snapshots_write_no_more_than_the_log(void **state) {
    (void)state;
    struct world *world = started(1);
    take_by_bytes(world, 1);
    for (unsigned round = 0; round < 6; round++)
        rewrite(world, KEYS); /* 4 MB */
    uint64_t log_bytes = 6 * KEYS * 40000;
    assert_in_range(taken(world), 4, 24);
    assert_in_range(world_counted(world, 1, METRIC_snapshot_bytes_total, NULL), 1, log_bytes);
    world_free(world);
}

/* The log grows to three times what the snapshot would write. A smaller number counts at once. */
static void test_a_snapshot_is_taken_when_it_pays(void **state) {
    (void)state;
    struct world *world = filled_and_taken();
    take_by_bytes(world, 3);
    uint64_t before = taken(world);
    for (unsigned round = 0; round < 2; round++) {
        rewrite(world, KEYS);
        assert_int_equal(taken(world), before);
    }
    rewrite(world, KEYS + 6);
    assert_int_equal(taken(world), before + 1);
    take_by_bytes(world, 2);
    rewrite(world, KEYS);
    assert_int_equal(taken(world), before + 1);
    rewrite(world, 2 * KEYS);
    assert_int_equal(taken(world), before + 2);
    world_free(world);
}

/* The first snapshot has a price as well: a young log is no reason to write all of it again. */
static void test_the_first_snapshot_is_taken_when_it_pays(void **state) {
    (void)state;
    struct world *world = started(1);
    take_by_bytes(world, 3);
    for (unsigned round = 0; round < 2; round++) {
        rewrite(world, KEYS);
        assert_int_equal(taken(world), 0);
    }
    for (unsigned round = 0; round < 2; round++)
        rewrite(world, KEYS);
    assert_int_equal(taken(world), 1);
    world_free(world);
}

/* A worker whose log is too long has its shards let it go, but not at any price. */
static void test_the_log_of_a_worker_is_let_go(void **state) {
    (void)state;
    struct world *world = filled_and_taken();
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

/* It is saved in parts, even while it changes, is read from them, and keeps them as long as nothing
 * in it changes. */
static void test_a_large_slot_has_parts(void **state) {
    (void)state;
    struct world *world = started(1);
    world_write_one_slot(world, 1, KEYS);
    world_write(world, 1, "SET elsewhere x");
    uint64_t hash = world_state_hash(world, 1);
    shard_take_snapshot(world_shard(world, 1));
    for (unsigned i = 0; i < 10; i++) {
        world_write(world, 1, "DEL {same}1 {same}50 {same}99");
        world_write(world, 1, "SET {same}50 other");
    }
    world_run(world, 1000);
    assert_in_range(world_newest_snapshot(world, 1)->chunk_count, 10, 40);
    assert_int_equal(snapshot_manifest_version(world_newest_snapshot(world, 1)), 4);
    assert_true(world_snapshot_hash(world, 1) == hash);
    world_run(world, 1000);
    world_take_snapshot(world, 1);
    uint64_t saved = world_chunks(world, 1, "saved");
    world_write(world, 1, "SET elsewhere y");
    world_take_snapshot(world, 1);
    assert_int_equal(world_chunks(world, 1, "saved"), saved + 1);
    expect_taken(world, world_state_hash(world, 1));
    world_free(world);
}

static bool has_file(struct world *world, const struct snapshot_chunk *chunk) {
    char name[DISK_NAME_MAXIMUM];
    snapshot_chunk_name(WORLD_SHARD, chunk, name);
    return fake_disk_find(world->replicas[1].disk, name) != NULL;
}

/* One key of a large slot changes: of its parts one is written, before a restart and after it, and
 * also while the snapshot before is still being saved. */
static void test_of_a_large_slot_only_the_changed_part_is_written(void **state) {
    (void)state;
    struct world *world = started(1);
    world_write_one_slot(world, 1, KEYS);
    world_take_snapshot(world, 1);
    uint64_t saved = world_chunks(world, 1, "saved");
    uint32_t chunk_count = world_newest_snapshot(world, 1)->chunk_count;
    assert_in_range(chunk_count, 10, 64);
    world_write(world, 1, "SET {same}7 other");
    world_take_snapshot(world, 1);
    assert_int_equal(world_chunks(world, 1, "saved"), saved + 1);
    assert_int_equal(world_chunks(world, 1, "kept"), chunk_count - 1);
    expect_taken(world, world_state_hash(world, 1));

    world_write(world, 1, "SET {same}8 other");
    world_restart(world, 1);
    world_elect(world, 1);
    saved = world_chunks(world, 1, "saved");
    world_take_snapshot(world, 1);
    assert_int_equal(world_chunks(world, 1, "saved"), saved + 1);
    expect_taken(world, world_state_hash(world, 1));

    saved = world_chunks(world, 1, "saved");
    world_write(world, 1, "SET {same}7 once");
    shard_take_snapshot(world_shard(world, 1));
    world_write(world, 1, "SET {same}9 during");
    world_run(world, 1000);
    assert_int_equal(world_chunks(world, 1, "saved"), saved + 1);
    world_take_snapshot(world, 1);
    assert_int_equal(world_chunks(world, 1, "saved"), saved + 2);
    expect_taken(world, world_state_hash(world, 1));
    world_free(world);
}

/* All keys of a part go: it is in no snapshot any more, and comes back with the first key. */
static void test_a_part_may_be_empty(void **state) {
    (void)state;
    struct world *world = started(1);
    world_write_one_slot(world, 1, KEYS);
    world_take_snapshot(world, 1);
    struct slot_part part = plan_part_of(&world_newest_snapshot(world, 1)->chunks[0]);
    uint32_t chunk_count = world_newest_snapshot(world, 1)->chunk_count;
    assert_in_range(part.bits, 1, SLOT_PART_BITS_MAXIMUM);
    char key[16] = "", command[64];
    for (unsigned i = 0; i < KEYS; i++) {
        int length = snprintf(command, sizeof command, "DEL {same}%u", i);
        struct bytes name = bytes_of(command + 4, (size_t)length - 4);
        if (slot_part_number(slot_part_hash(name), part.bits) != part.number)
            continue;
        snprintf(key, sizeof key, "{same}%u", i);
        world_write(world, 1, command);
    }
    assert_true(key[0] != 0);
    world_take_snapshot(world, 1);
    assert_int_equal(world_newest_snapshot(world, 1)->chunk_count, chunk_count - 1);
    assert_int_not_equal(world_newest_snapshot(world, 1)->chunks[0].part, part.number);
    expect_taken(world, world_state_hash(world, 1));
    snprintf(command, sizeof command, "SET %s again", key);
    uint64_t saved = world_chunks(world, 1, "saved");
    world_write(world, 1, command);
    world_take_snapshot(world, 1);
    assert_int_equal(world_chunks(world, 1, "saved"), saved + 1);
    assert_int_equal(world_newest_snapshot(world, 1)->chunk_count, chunk_count);
    expect_taken(world, world_state_hash(world, 1));
    world_free(world);
}

/* A snapshot fails on the disk, or finds a part of the one before rotten: what had changed before
 * it began is in the next one. */
static void test_changed_parts_are_not_forgotten(void **state) {
    (void)state;
    struct world *world = started(1);
    world_write_one_slot(world, 1, KEYS);
    world_take_snapshot(world, 1);
    char name[DISK_NAME_MAXIMUM];
    snapshot_chunk_name(WORLD_SHARD, &world_newest_snapshot(world, 1)->chunks[2], name);
    fake_disk_find(world->replicas[1].disk, name)->live[99] ^= 1;
    uint64_t saved = world_chunks(world, 1, "saved");
    world_write(world, 1, "SET {same}7 other");
    shard_take_snapshot(world_shard(world, 1));
    world_write(world, 1, "SET {same}8 another");
    world_run(world, 1000);
    assert_true(world_has_logged(world, 1, "it is written anew"));
    world_run(world, 10000);
    world_take_snapshot(world, 1);
    assert_in_range(world_chunks(world, 1, "saved"), saved + 3, saved + 4);
    expect_taken(world, world_state_hash(world, 1));
    world_free(world);
}

/* As long as a node may not know of parts, none are named, and a slot that changed is written
 * whole; once all do, one snapshot writes it in parts, and from then on only what changed. */
static void test_parts_wait_until_all_know_them(void **state) {
    (void)state;
    struct world *world = started(1);
    world->replicas[1].is_undivided = true;
    world_write_one_slot(world, 1, KEYS);
    world_take_snapshot(world, 1);
    uint64_t saved = world_chunks(world, 1, "saved");
    assert_int_equal(snapshot_manifest_version(world_newest_snapshot(world, 1)), 3);
    world_write(world, 1, "SET {same}7 other");
    world_take_snapshot(world, 1);
    assert_int_equal(snapshot_manifest_version(world_newest_snapshot(world, 1)), 3);
    assert_in_range(world_chunks(world, 1, "saved"), 2 * saved - 2, 2 * saved);
    world->replicas[1].is_undivided = false;
    const struct snapshot_chunk first = world_newest_snapshot(world, 1)->chunks[0];
    world_write(world, 1, "SET {same}7 third");
    world_take_snapshot(world, 1);
    assert_int_equal(snapshot_manifest_version(world_newest_snapshot(world, 1)), 4);
    assert_false(has_file(world, &first));
    saved = world_chunks(world, 1, "saved");
    world_write(world, 1, "SET {same}7 fourth");
    world_take_snapshot(world, 1);
    assert_int_equal(world_chunks(world, 1, "saved"), saved + 1);
    expect_taken(world, world_state_hash(world, 1));
    world_free(world);
}

/* A machine may know no parts, as the control shard's, which has no keys: whatever part it is asked
 * for, it would save all that it holds. */
static void test_what_has_no_parts_is_not_divided(void **state) {
    (void)state;
    struct world *world = started(1);
    world_kill(world, 1);
    world->replicas[1].is_without_parts = true;
    assert_int_equal(world_start(world, 1), 0);
    world_elect(world, 1);
    world_write_one_slot(world, 1, KEYS);
    world_take_snapshot(world, 1);
    world_write(world, 1, "SET {same}7 other");
    world_take_snapshot(world, 1);
    const struct snapshot_manifest *newest = world_newest_snapshot(world, 1);
    assert_int_not_equal(newest->chunk_count, 0);
    for (uint32_t i = 0; i < newest->chunk_count; i++)
        assert_int_equal(newest->chunks[i].part_bits, 0);
    expect_taken(world, world_state_hash(world, 1));
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
            assert_in_range(world_newest_snapshot(world, 1)->chunk_count, 2, 64);
            assert_true(world_snapshot_hash(world, 1) == world_state_hash(world, 1));
        }
    }
    expect_taken(world, world_state_hash(world, 1));
    world_free(world);
}

/* One hash is much larger than all other keys together, which are strewn over all slots. That is
 * known before anything was saved: no chunk has all of it. */
static void test_a_large_hash_among_small_keys_has_parts(void **state) {
    (void)state;
    enum { LONG_FIELDS = 100, WANTED_BYTES = 4 << 20 >> PLAN_CHUNK_HALVINGS };
    struct world *world = started(1);
    for (unsigned i = 0; i < 500; i++) {
        char command[32];
        snprintf(command, sizeof command, "SET small%u x", i);
        world_write(world, 1, command);
    }
    for (unsigned i = 0; i < LONG_FIELDS; i++)
        set_long_field(world, i);
    world_take_snapshot(world, 1);
    const struct snapshot_manifest *newest = world_newest_snapshot(world, 1);
    uint64_t all_bytes = 0;
    for (uint32_t i = 0; i < newest->chunk_count; i++) {
        assert_in_range(newest->chunks[i].raw_bytes, 1, 2 * WANTED_BYTES);
        all_bytes += newest->chunks[i].raw_bytes;
    }
    assert_in_range(all_bytes, 2000000, 2200000);
    expect_taken(world, world_state_hash(world, 1));
    world_free(world);
}

/* A string goes across chunks as well, also while it changes and goes: but only once every node
 * can read that. Whoever has none of it gets it chunk by chunk. */
static void test_a_long_string_has_parts(void **state) {
    (void)state;
    enum { WANTED_BYTES = 4 << 20 >> PLAN_CHUNK_HALVINGS };
    struct world *world = started(3);
    world->replicas[1].is_unsplit = true;
    world_write(world, 1, "SETRANGE long 3000000 end");
    world_take_snapshot(world, 1);
    assert_int_equal(world_newest_snapshot(world, 1)->chunk_count, 1);
    world->replicas[1].is_unsplit = false;
    world_write(world, 1, "SETRANGE long 1500000 middle");
    uint64_t hash = world_state_hash(world, 1);
    shard_take_snapshot(world_shard(world, 1));
    world_run(world, 10);
    world_write(world, 1, "SETRANGE long 2500000 later");
    world_write(world, 1, "DEL long");
    world_run(world, 1000);
    const struct snapshot_manifest *newest = world_newest_snapshot(world, 1);
    assert_in_range(newest->chunk_count, 10, 64);
    for (uint32_t i = 0; i < newest->chunk_count; i++)
        assert_in_range(newest->chunks[i].raw_bytes, 1, 2 * WANTED_BYTES);
    assert_true(world_snapshot_hash(world, 1) == hash);

    world_write(world, 1, "SETRANGE long 3000000 again");
    world_cut_off(world, 3, true);
    world_write(world, 1, "INCR n");
    world_take_snapshot(world, 1);
    world_let_back(world, 3, 3000);
    assert_int_equal(world_counted(world, 3, METRIC_snapshots_installed_total, NULL), 1);
    assert_true(world_is_equal(world));
    hash = world_state_hash(world, 1);
    world_restart_leading(world, 1);
    assert_true(world_state_hash(world, 1) == hash);
    world_free(world);
}

RUN_TESTS(cmocka_unit_test(test_only_what_changed_is_written),
          cmocka_unit_test(test_taken_while_everything_changes),
          cmocka_unit_test(test_the_log_behind_a_snapshot_stays),
          cmocka_unit_test(test_a_snapshot_of_nothing),
          cmocka_unit_test(test_few_chunks_wait_for_the_disk),
          cmocka_unit_test(test_old_chunk_that_rotted_is_written_anew),
          cmocka_unit_test(test_files_stay_until_the_mark_is_durable),
          cmocka_unit_test(test_snapshots_write_no_more_than_the_log),
          cmocka_unit_test(test_a_snapshot_is_taken_when_it_pays),
          cmocka_unit_test(test_the_first_snapshot_is_taken_when_it_pays),
          cmocka_unit_test(test_the_log_of_a_worker_is_let_go),
          cmocka_unit_test(test_a_large_slot_has_parts),
          cmocka_unit_test(test_of_a_large_slot_only_the_changed_part_is_written),
          cmocka_unit_test(test_a_part_may_be_empty),
          cmocka_unit_test(test_changed_parts_are_not_forgotten),
          cmocka_unit_test(test_parts_wait_until_all_know_them),
          cmocka_unit_test(test_what_has_no_parts_is_not_divided),
          cmocka_unit_test(test_a_large_hash_has_parts),
          cmocka_unit_test(test_a_long_string_has_parts),
          cmocka_unit_test(test_a_large_hash_among_small_keys_has_parts),
          cmocka_unit_test(test_what_one_had_is_gone_through_first))
